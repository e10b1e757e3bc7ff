import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { REGION, ROOT_KEYS, startAwsEmulator } from '../harness/aws/aws-emulator.ts'
import { startAwsProxy } from '../harness/aws/aws-proxy.ts'
import { freePort } from '../harness/free-port.ts'
import { blocksOf, installInto, shell } from '../harness/processes/run-page-commands.ts'
import { pythonCommand } from '../harness/processes/running-process.ts'

/** The AWS CLI, as far as the page uses it, over the SDK that the CLI itself stands on: the tests bring that one and not the CLI. */
const AWS = `import json, os, sys, boto3, jmespath
service, operation, *words = sys.argv[1:]
options = dict(zip(words[::2], words[1::2]))
query, _ = options.pop('--query', '@'), options.pop('--output', 'text')
text = lambda value: open(value[7:]).read() if value.startswith('file://') else value
named = {''.join(part.capitalize() for part in name[2:].split('-')): text(value) for name, value in options.items()}
answer = getattr(boto3.client(service, region_name=os.environ['AWS_REGION']), operation.replace('-', '_'))(**named)
answer.pop('ResponseMetadata')
found = jmespath.search(query, answer)
if found: print(found if isinstance(found, str) else json.dumps(found, default=str))
`

/** A folder in which `aws` is there. */
function operatorsFolder(): { readonly folder: string; readonly path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'aws-page-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'aws.py'), AWS)
  writeFileSync(join(folder, 'aws'), `#!/bin/sh\nexec '${pythonCommand('python')}' '${folder}/aws.py' "$@"\n`)
  chmodSync(join(folder, 'aws'), 0o700)
  return { folder, path: `${folder}${delimiter}${process.env['PATH']}` }
}

/** A server's folder with the package in it, in which `aws` is there as well. */
function serversFolder(): { readonly folder: string; readonly path: string } {
  const { folder, path } = operatorsFolder()
  installInto(folder)
  // As "aws configure --profile mcp-operator" leaves it.
  mkdirSync(join(folder, '.aws'))
  const profile = [`aws_access_key_id=${ROOT_KEYS.accessKeyId}`, `aws_secret_access_key=${ROOT_KEYS.secretAccessKey}`]
  writeFileSync(join(folder, '.aws/credentials'), ['[mcp-operator]', ...profile, ''].join('\n'))
  return { folder, path }
}

test('the command on labels removes a mark', async () => {
  const emulator = await startAwsEmulator('moto')
  onTestFinished(() => emulator.stop())
  const { folder, path } = operatorsFolder()
  const SecretId = 'mcp/jira/issuer/alice.cred'
  const { VersionId = '' } = await emulator.administrator.createSecret({ Name: SecretId, SecretString: '{"pat":"x"}' })
  const VersionStage = 'mcp-rejected-20261127T165500Z'
  await emulator.administrator.updateSecretVersionStage({ SecretId, VersionStage, MoveToVersionId: VersionId })
  const [block = ''] = blocksOf('docs/backends/aws-secrets-manager.md', 'Labels')
  expect(block).toContain('mcp/jira/…')
  const command = block
    .replace('mcp/jira/…', SecretId)
    .replace('remove-from-version-id …', `remove-from-version-id ${VersionId}`)
  const run = shell(command, folder, {
    PATH: path,
    AWS_ENDPOINT_URL: emulator.endpoint,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: ROOT_KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: ROOT_KEYS.secretAccessKey,
  })
  expect(await run.ended, run.output()).toBe(0)
  const { VersionIdsToStages } = await emulator.administrator.describeSecret({ SecretId })
  expect(VersionIdsToStages).toEqual({ [VersionId]: ['AWSCURRENT'] })
})

test('the page on AWS, followed word for word, ends in a green doctor, a server, and a list for the operator', {
  timeout: 120_000,
}, async () => {
  const emulator = await startAwsEmulator('moto')
  onTestFinished(() => emulator.stop())
  const proxy = await startAwsProxy(emulator)
  onTestFinished(() => proxy.close())
  const { folder, path } = serversFolder()
  const port = await freePort()
  const blocks = blocksOf('docs/backends/aws-secrets-manager.md', 'Set it up').map((text) => {
    const own = text.replaceAll('eu-central-1', REGION).replaceAll('8005', String(port))
    return own.replace('start tools.mjs', `start tools.mjs --port ${port}`)
  })
  const setUp = blocks.slice(0, -2).join('')
  const [start = '', list = ''] = blocks.slice(-2)
  const places = { PATH: path, AWS_ENDPOINT_URL: emulator.endpoint, AWS_ENDPOINT_URL_SECRETS_MANAGER: proxy.endpoint }
  const login = { AWS_ACCESS_KEY_ID: ROOT_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: ROOT_KEYS.secretAccessKey }

  // The role that the page takes as given.
  const trust = `--role-name mcp-server --assume-role-policy-document '{"Version":"2012-10-17","Statement":[]}'`
  const role = shell(`aws iam create-role ${trust}`, folder, { ...places, ...login, AWS_REGION: REGION })
  expect(await role.ended, role.output()).toBe(0)

  const followed = shell(setUp, folder, { ...places, ...login })
  expect(await followed.ended, followed.output()).toBe(0)
  for (const check of ['the login opens the store', 'the login saves', 'the login reads', 'the login removes it'])
    expect(followed.output()).toMatch(new RegExp(`^ok +${check} `, 'm'))
  expect(followed.output()).not.toContain('WRONG')
  expect(followed.output()).toContain('All is well.')
  const policy = readFileSync(join(folder, 'mcp-server/policy.json'), 'utf8')
  expect(policy).toContain(`arn:aws:secretsmanager:${REGION}:123456789012:secret:mcp/*`)

  // The variables are those of the shell that has followed the steps before.
  expect(start).toContain('npx mcp-credential-vault start')
  const variables = setUp.slice(
    setUp.indexOf('export MCP_VAULT_BACKEND'),
    setUp.indexOf('npx mcp-credential-vault doctor'),
  )
  const server = shell(variables + start, folder, { ...places, ...login })
  await expect.poll(() => server.output(), { timeout: 60_000 }).toContain('Serving')

  const listed = shell(list, folder, places)
  expect(await listed.ended, listed.output()).toBe(0)
  expect(listed.output()).toContain('There are no credentials.')
})
