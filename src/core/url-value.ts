/**
 * The one spelling of an `url` variable's value, whoever wrote it: scheme and host in lower case, no default port, no dot segments (URL
 * Standard), and no slash after a bare host, so that a tool can append `/path`. Other paths keep their last slash, since it means
 * something there. What is no URL stays as it is.
 */
export function normalisedUrl(text: string): string {
  if (!URL.canParse(text)) return text
  const url = new URL(text)
  return url.href === `${url.origin}/` ? url.origin : url.href
}
