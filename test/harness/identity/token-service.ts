import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { startService } from '../http-service.ts'

export interface TokenService {
  readonly origin: string
  newToken(): string
  endToken(token: string): void
}

/** A service of any path: an issue for a token that it made, and 401 for every other. It ends with the test. */
export async function startTokenService(): Promise<TokenService> {
  const tokens = new Set<string>()
  const service = await startService((request, response) => {
    const known = tokens.has(request.headers.authorization?.replace('Bearer ', '') ?? '')
    response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' })
    response.end(JSON.stringify(known ? { key: 'IT-1' } : { error: 'This token is not known here.' }))
  })
  onTestFinished(() => service.close())
  return {
    origin: service.origin,
    newToken() {
      const token = randomBytes(24).toString('base64url')
      tokens.add(token)
      return token
    },
    endToken: (token) => void tokens.delete(token),
  }
}
