/**
 * Text that prints as what it is: whatever is invisible, breaks a line, moves a cursor or turns the writing direction round becomes
 * `\uXXXX`, which is also how JSON writes it. Line ends (LF, and CRLF as CSV has it) and tabs stay; a CR alone overwrites its line.
 */
export function printable(text: string): string {
  return text.replace(/(?![\n\t]|\r\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
    ).join(''),
  )
}
