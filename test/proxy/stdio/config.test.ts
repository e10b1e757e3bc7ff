import { expect, test } from 'vitest'
import { parseProxyConfig } from '../../../src/proxy/config/read-config.ts'
import { thrownError } from '../../harness/thrown-error.ts'

const GOOD = `
upstreams:
  gitlab:
    command: [npx, -y, gitlab-mcp]
    environment: { PATH: /usr/bin }
    env:
      TOKEN: '{pat}'
    credential:
      variables:
        pat: { label: Token, type: password }
children:
  maxPerOwner: 2
`

test('a good file is read, with its defaults', () => {
  const { upstreams, children } = parseProxyConfig(GOOD, 'proxy.yaml')
  expect(upstreams['gitlab']).toMatchObject({ command: ['npx', '-y', 'gitlab-mcp'], startDeadlineSeconds: 15 })
  expect(children).toEqual({ maxPerOwner: 2 })
})

test.each<[string, (good: string) => string, string]>([
  ['neither url nor command', (good) => good.replace(/^ *command:.*$/m, ''), 'gitlab.url: is required'],
  [
    'both url and command',
    (good) => good.replace('environment:', 'url: https://example.com/mcp\n    environment:'),
    'proxy.yaml:4: upstreams.gitlab.command: cannot be together with url',
  ],
  [
    'headers of a process',
    (good) => good.replace('environment:', "headers: { Authorization: 'Bearer {pat}' }\n    environment:"),
    'proxy.yaml:5: upstreams.gitlab.headers: is for an upstream with url',
  ],
  [
    'the waits for a server over HTTP',
    (good) => good.replace('environment:', 'timeouts: { connectSeconds: 5 }\n    environment:'),
    'proxy.yaml:5: upstreams.gitlab.timeouts: is for an upstream with url',
  ],
  [
    'a process of a server over HTTP',
    (good) =>
      good.replace(/command:.*$/m, "url: https://example.com/mcp\n    headers: { Authorization: 'Bearer {pat}' }"),
    'proxy.yaml:6: upstreams.gitlab.environment: is for an upstream with command',
  ],
  [
    'a reserved name that a user would fill',
    (good) => good.replace('TOKEN:', 'NODE_OPTIONS:'),
    'proxy.yaml:7: upstreams.gitlab.env.NODE_OPTIONS: must not be filled from a user',
  ],
  [
    'a name that the proxy sets',
    (good) => good.replace('PATH: /usr/bin', 'HOME: /root'),
    'proxy.yaml:5: upstreams.gitlab.environment.HOME: is set by the proxy',
  ],
  [
    'a field that is not declared',
    (good) => good.replace('{pat}', '{token}'),
    'proxy.yaml:7: upstreams.gitlab.env.TOKEN: names the field token, which is not in credential.variables',
  ],
  [
    'a field that may be missing',
    (good) => good.replace('type: password', 'type: password, required: false'),
    'proxy.yaml:7: upstreams.gitlab.env.TOKEN: names the field pat, which has to be required',
  ],
  [
    'a slot without a field',
    (good) => good.replace("'{pat}'", 'the same for all'),
    'proxy.yaml:7: upstreams.gitlab.env.TOKEN: names no field of the credential',
  ],
  [
    'a name that is there twice',
    (good) => good.replace('PATH: /usr/bin', 'TOKEN: x'),
    'proxy.yaml:7: upstreams.gitlab.env.TOKEN: is declared twice',
  ],
  [
    'a check that cannot tell',
    (good) => good.replace('environment:', 'check: { tool: who_am_i }\n    environment:'),
    'proxy.yaml:5: upstreams.gitlab.check: needs rejectedWhen',
  ],
  [
    'a pattern that is none',
    (good) => good.replace('environment:', "rejectedWhen: [{ text: '(' }]\n    environment:"),
    'proxy.yaml:5: upstreams.gitlab.rejectedWhen.0.text: must be a regular expression',
  ],
  [
    'a command line as text',
    (good) => good.replace('[npx, -y, gitlab-mcp]', 'npx -y'),
    'proxy.yaml:4: upstreams.gitlab.command',
  ],
  [
    'a mistyped option',
    (good) => good.replace('environment:', 'enviroment:'),
    'proxy.yaml:5: upstreams.gitlab.enviroment: there is no such option; did you mean environment?',
  ],
  [
    'a mistyped limit',
    (good) => good.replace('maxPerOwner', 'maxPerOwnr'),
    'proxy.yaml:12: children.maxPerOwnr: there is no such option; did you mean maxPerOwner?',
  ],
])('%s is refused with its line', (_, change, problem) => {
  const { code, message } = thrownError(() => parseProxyConfig(change(GOOD), 'proxy.yaml'))
  expect(code).toBe('configuration_invalid')
  expect(message).toContain(problem)
})
