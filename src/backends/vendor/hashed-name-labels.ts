import type { Owner } from '../../core/model/owner.ts'

/**
 * Makes labels of the issuer and subject that a credential's name hides, since a hash cannot be reversed. The values are base64url, split
 * into pieces that fit the vendor's longest value. Their names are built with `separator`, e.g. `mcp-subject-1`.
 */
export function hashedNameLabels(hidden: Partial<Owner>, separator: string, longest: number): Record<string, string> {
  return Object.fromEntries(
    (['issuer', 'subject'] as const).flatMap((part) =>
      piecesOf(hidden[part] ?? '', longest).map((piece, index) => [labelName(part, separator, index + 1), piece]),
    ),
  )
}

export function ownerFromLabels(
  labels: Readonly<Record<string, unknown>> | undefined,
  separator: string,
): Partial<Owner> {
  return Object.fromEntries(
    (['issuer', 'subject'] as const).flatMap((part) => {
      const pieces: string[] = []
      for (;;) {
        const piece = labels?.[labelName(part, separator, pieces.length + 1)]
        if (typeof piece !== 'string') break
        pieces.push(piece)
      }
      return pieces.length === 0 ? [] : [[part, Buffer.from(pieces.join(''), 'base64url').toString('utf8')]]
    }),
  )
}

function piecesOf(text: string, longest: number): readonly string[] {
  return (
    Buffer.from(text)
      .toString('base64url')
      .match(new RegExp(`.{1,${longest}}`, 'g')) ?? []
  )
}

function labelName(part: keyof Owner, separator: string, number: number): string {
  return `mcp${separator}${part}-${number}`
}
