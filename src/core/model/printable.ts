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

/**
 * Returns an account's name as labels, pages and lists have it, in one line and without characters that are invisible or that reverse the
 * direction of writing: they would let a service pass one account off as another.
 */
export function accountNameOf(text: string): string {
  return text
    .replace(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/\p{C}/gu, '')
    .trim()
}

/** E.g. `14:03:20 UTC`. */
export function timeOfDay(time: Date): string {
  return `${time.toISOString().slice(11, 19)} UTC`
}
