import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CHART, render } from '../../harness/deploy/deploy-tools.ts'

async function refused(values: object, message: RegExp): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'values-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'values.json')
  await writeFile(file, JSON.stringify(values))
  const { code, error } = await render([`${CHART}/ci/replicas-values.yaml`, file], [])
  expect(code, `rendered ${JSON.stringify(values)}`).not.toBe(0)
  expect(error).toMatch(message)
}

describe('a network policy that admits every IPv4 address, written as IPv6', () => {
  test.each(['0:0:0:0:0:ffff:0:0/96', '0::ffff:0:0/96', '0000::ffff:0.0.0.0/96'])('%s', (cidr) =>
    refused({ networkPolicy: { from: [{ ipBlock: { cidr } }] } }, /a peer admits everybody/),
  )
})

describe('egress to networks that are long enough and hold the metadata service', () => {
  test.each(['169.0.0.0/8', '0:0:0:0:0:ffff:0:0/96', 'fd00::/16', '0:0:0:0:0:ffff:a9fe:0/112'])('%s', (cidr) =>
    refused({ networkPolicy: { egress: [{ to: [{ ipBlock: { cidr } }] }] } }, /a rule reaches/),
  )
})

describe('a base URL that ends in /mcp for the server, or with which it does not start', () => {
  test.each(['https://mcp.example.com/mcp//', 'https://mcp.example.com/mcp/.', 'https://mcp.example.com:99999'])(
    '%s',
    (serverBaseUrl) => refused({ serverBaseUrl }, /serverBaseUrl/),
  )
})
