import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { freePort } from '../../harness/free-port.ts'
import { type FakeAnswer, metadataOf, startFakeIssuer } from '../../harness/identity/fake-issuer.ts'
import { startFormProvider } from '../../harness/identity/opened-identity.ts'
import { runCli } from '../../harness/processes/run-cli.ts'

const FITS = 'the identity provider fits its settings'
const KEYS = 'the identity provider answers and serves its keys'
const METADATA = '/.well-known/oauth-authorization-server'
const DISCOVERY = '/.well-known/openid-configuration'

interface Checked {
  readonly code: number | null
  /** By check: result and detail. */
  readonly checks: Readonly<Record<string, readonly [string, string]>>
}

async function doctorAt(issuer: string): Promise<Checked> {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const ended = await runCli(['doctor', '--json'], {
    MCP_VAULT_FOLDER: join(folder, 'data'),
    MCP_VAULT_KEY: generateKeyText(),
    MCP_SERVER_BASE_URL: 'https://mcp.example.com',
    MCP_OIDC_ISSUER: issuer,
    MCP_OIDC_CLIENT_ID: 'form',
  })
  const { checks } = ended.json<{ checks: readonly { check: string; result: string; detail: string }[] }>()
  return {
    code: ended.code,
    checks: Object.fromEntries(checks.map(({ check, result, detail }) => [check, [result, detail]])),
  }
}

async function fakeIssuer(answers: (issuer: string) => Record<string, FakeAnswer>): Promise<string> {
  const fake = await startFakeIssuer(answers)
  onTestFinished(() => fake.close())
  return fake.issuer
}

test('a real identity provider that fits its settings', async () => {
  const provider = await startFormProvider()
  onTestFinished(() => provider.close())
  expect(await doctorAt(provider.issuer)).toMatchObject({
    code: 0,
    checks: { [FITS]: ['ok', provider.issuer], [KEYS]: ['ok', 'asked'] },
  })
})

describe('a wrong setting', () => {
  test('the metadata names another issuer', async () => {
    const issuer = await fakeIssuer(() => ({ [DISCOVERY]: { body: metadataOf('https://other.example.com') } }))
    const { code, checks } = await doctorAt(issuer)
    expect(code).toBe(1)
    expect(checks[FITS]).toEqual([
      'wrong',
      `environment.MCP_OIDC_ISSUER is ${issuer}, but the metadata there names the issuer https://other.example.com. Both must be identical, character by character. [configuration_invalid]`,
    ])
    expect(checks[KEYS]).toBeUndefined()
  })

  test('there is a web server, and no identity provider', async () => {
    const { code, checks } = await doctorAt(await fakeIssuer(() => ({})))
    expect(code).toBe(1)
    expect(checks[FITS]).toEqual(['wrong', expect.stringContaining('Check environment.MCP_OIDC_ISSUER')])
  })

  test('no S256 is a warning, as it is at the start', async () => {
    const issuer = await fakeIssuer((own) => ({
      [METADATA]: { body: metadataOf(own, { code_challenge_methods_supported: undefined }) },
      '/jwks': { body: { keys: [] } },
    }))
    const { code, checks } = await doctorAt(issuer)
    expect(code).toBe(0)
    expect(checks[FITS]).toEqual(['warning', expect.stringMatching(/PKCE with S256/)])
    expect(checks[KEYS]).toEqual(['ok', 'asked'])
  })
})

describe('an outage is not called a wrong setting', () => {
  test('nothing listens', async () => {
    const issuer = `http://127.0.0.1:${await freePort()}`
    const { code, checks } = await doctorAt(issuer)
    expect(code).toBe(1)
    expect(checks[FITS]).toEqual(['skipped', 'not all of it could be asked'])
    expect(checks[KEYS]).toEqual([
      'wrong',
      expect.stringMatching(
        new RegExp(`^The identity provider ${issuer} cannot be reached\\. .* \\[unavailable, issuer_connection\\]$`),
      ),
    ])
    expect(checks[KEYS]?.[1]).toContain('MCP_OIDC_ISSUER for a typo')
  })

  test('it never answers: doctor ends all the same', async () => {
    const issuer = await fakeIssuer(() => ({ [METADATA]: { silent: true }, [DISCOVERY]: { silent: true } }))
    const { code, checks } = await doctorAt(issuer)
    expect(code).toBe(1)
    expect(checks[KEYS]).toEqual(['wrong', expect.stringContaining('[unavailable, issuer_timeout]')])
  }, 60_000)

  test.each([
    ['keys_missing', {}],
    ['keys_invalid', { '/jwks': { body: { keys: 'none' } } }],
  ] as const)('its keys: %s', async (reason, answers) => {
    const issuer = await fakeIssuer((own) => ({ [METADATA]: { body: metadataOf(own) }, ...answers }))
    const { code, checks } = await doctorAt(issuer)
    expect(code).toBe(1)
    expect(checks[KEYS]).toEqual(['wrong', expect.stringContaining(`[unavailable, issuer_${reason}]`)])
    expect(checks[KEYS]?.[1]).toContain('look at the identity provider')
  })
})
