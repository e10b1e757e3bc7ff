/**
 * Escapes text for a terminal: a character that is invisible, breaks a line, moves the cursor or reverses the writing direction becomes
 * `\uXXXX`, as in JSON. Line ends (LF, and CRLF as in CSV) and tabs stay; a lone CR is escaped, because it would overwrite its line.
 */
export function printable(text: string): string {
  return text.replace(/(?![\n\t]|\r\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
    ).join(''),
  )
}
