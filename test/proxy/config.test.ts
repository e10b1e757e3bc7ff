import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { proxyConfigJsonSchema } from '../../src/proxy/config/proxy-config.ts'
import { parseProxyConfig, readProxyConfig } from '../../src/proxy/config/read-config.ts'
import { thrownError } from '../harness/thrown-error.ts'

const GOOD = `
upstreams:
  gitlab:
    url: https://gitlab-mcp.example.com/mcp
    label: GitLab
    credential:
      variables:
        pat: { label: Personal access token, type: password }
    headers:
      Authorization: Bearer {pat}
`

test('a good file is read, with its defaults', () => {
  const { upstreams } = parseProxyConfig(GOOD, 'proxy.yaml')
  expect(upstreams['gitlab']).toMatchObject({ label: 'GitLab', failFast: false, maxSessions: 10_000 })
})

test.each<[string, (good: string) => string, string]>([
  [
    'an unknown option',
    (good) => good.replace('label: GitLab', 'lable: GitLab'),
    'proxy.yaml:5: upstreams.gitlab.lable: there is no such option; did you mean label?',
  ],
  [
    'an unknown option of a field',
    (good) => good.replace('type: password', 'typ: password'),
    'proxy.yaml:8: upstreams.gitlab.credential.variables.pat.typ: there is no such option; did you mean type?',
  ],
  [
    'an option that is like none',
    (good) => good.replace('label: GitLab', 'zzzzzzzz: 1'),
    'proxy.yaml:5: upstreams.gitlab.zzzzzzzz: there is no such option',
  ],
  ['a missing option', (good) => good.replace(/^ *url:.*$/m, ''), 'proxy.yaml:3: upstreams.gitlab.url: is required'],
  [
    'a wrong type',
    (good) => good.replace('label: GitLab', 'failFast: yes please'),
    'proxy.yaml:5: upstreams.gitlab.failFast: must be true or false',
  ],
  [
    'a URL with a password',
    (good) => good.replace('https://', 'https://user:hunter2@'),
    'proxy.yaml:4: upstreams.gitlab.url: must be an http or https URL',
  ],
  [
    'a reserved header',
    (good) => good.replace('Authorization:', 'Cookie:'),
    'proxy.yaml:10: upstreams.gitlab.headers.Cookie',
  ],
  [
    'a field that is not declared',
    (good) => good.replace('{pat}', '{token}'),
    'proxy.yaml:10: upstreams.gitlab.headers.Authorization: names the field token',
  ],
  ['a name that is no path', (good) => good.replace('gitlab:', 'Git_Lab:'), 'proxy.yaml:3: upstreams.Git_Lab'],
  [
    'a key that is there twice',
    (good) => good.replace('label: GitLab', 'url: https://b.example'),
    'proxy.yaml:5: has a key twice',
  ],
  ['no YAML', () => 'upstreams: "open', 'proxy.yaml:1: is no valid YAML'],
  ['nothing', () => '', 'proxy.yaml:1: must be an object'],
])('%s is refused with its line', (_, change, problem) => {
  const { code, message } = thrownError(() => parseProxyConfig(change(GOOD), 'proxy.yaml'))
  expect(code).toBe('configuration_invalid')
  expect(message).toContain(problem)
  expect(message).not.toContain('hunter2')
})

test('all problems are shown at once', () => {
  const wrong = GOOD.replace('label: GitLab', 'lable: GitLab').replace('type: password', 'type: secret')
  expect(thrownError(() => parseProxyConfig(wrong, 'proxy.yaml')).message.split('\n')).toHaveLength(2)
})

test('aliases that multiply are refused', () => {
  const bomb = `a: &a [${'x,'.repeat(50)}]\nb: &b [${'*a,'.repeat(50)}]\nc: &c [${'*b,'.repeat(50)}]\nupstreams: *c\n`
  expect(thrownError(() => parseProxyConfig(bomb, 'proxy.yaml')).message).toContain('aliases')
})

test('a file that is not there is named', () => {
  expect(thrownError(() => readProxyConfig('/nowhere/proxy.yaml')).message).toContain(
    '/nowhere/proxy.yaml cannot be read',
  )
})

test('docs/proxy.schema.json is current; otherwise run: npm run docs:proxy-schema', () => {
  expect(JSON.parse(readFileSync('docs/proxy.schema.json', 'utf8'))).toEqual(
    JSON.parse(JSON.stringify(proxyConfigJsonSchema())),
  )
})
