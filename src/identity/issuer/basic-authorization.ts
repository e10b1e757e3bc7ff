/** Returns the `Authorization` header of a client with a secret. RFC 6749 §2.3.1 form-encodes both parts before they are joined. */
export function basicAuthorization(clientId: string, clientSecret: string): string {
  const joined = `${formEncoded(clientId)}:${formEncoded(clientSecret)}`
  return `Basic ${Buffer.from(joined).toString('base64')}`
}

function formEncoded(text: string): string {
  return new URLSearchParams({ text }).toString().slice('text='.length)
}
