import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CHART, render } from '../../harness/deploy/deploy-tools.ts'

async function rendered(values: object) {
  const folder = await mkdtemp(join(tmpdir(), 'values-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'values.json')
  await writeFile(file, JSON.stringify(values))
  return render([`${CHART}/ci/replicas-values.yaml`, file], [])
}

async function refused(values: object, message: RegExp): Promise<void> {
  const { code, error } = await rendered(values)
  expect(code, `rendered ${JSON.stringify(values)}`).not.toBe(0)
  expect(error).toMatch(message)
}

describe('a network policy that admits every IPv4 address, written as IPv6', () => {
  test.each(['0:0:0:0:0:ffff:0:0/96', '0::ffff:0:0/96', '0000::ffff:0.0.0.0/96', '64:ff9b::/96'])('%s', (cidr) =>
    refused({ networkPolicy: { from: [{ ipBlock: { cidr } }] } }, /a peer admits everybody/),
  )
})

const egressTo = (ipBlock: object) => ({ networkPolicy: { egress: [{ to: [{ ipBlock }] }] } })

describe('egress to networks that are long enough and hold the metadata service', () => {
  test.each(['0:0:0:0:0:ffff:0:0/96', '0:0:0:0:0:ffff:a9fe:0/112', '64:ff9b::/96'])('%s', (cidr) =>
    refused(egressTo({ cidr, except: ['fd00:ec2::/32'] }), /a rule reaches every address/),
  )

  test.each(['169.0.0.0/8', '169.254.0.0/15', '0169.0255.0.0/010', 'fd00::/16', 'FD00:e00::/20'])('%s', (cidr) =>
    refused(egressTo({ cidr }), /a rule reaches the cloud's metadata service, .* Add except: \[169\.254\.0\.0\/16\]/),
  )

  test.each([
    { cidr: '169.0.0.0/8', except: ['169.254.0.0/16'] },
    { cidr: 'fd00::/16', except: ['fd00:ec2::/32'] },
    { cidr: '169.128.0.0/12' },
    // Named for itself: pods of Amazon and Google get their credentials here.
    { cidr: '169.254.170.23/32' },
    { cidr: '169.254.169.254/32' },
  ])('$cidr is accepted with the exception, or where it holds nothing else', async (ipBlock) => {
    const { code, error } = await rendered(egressTo(ipBlock))
    expect(code, error).toBe(0)
  })
})

describe('a base URL that ends in /mcp for the server, or with which it does not start', () => {
  const host = 'https://mcp.example.com'
  test.each([
    [`${host}/mcp//`, /it ends in \/mcp/],
    [`${host}/mcp/.`, /its path has/],
    [`${host}/mcp/%2E/`, /its path has/],
    [`${host}/mcp/team/..`, /its path has/],
    [`${host}/mcp\\`, /its path has/],
    [`${host}:99999`, /its port must be/],
    [`${host}:0/team`, /its port must be/],
  ])('%s', (serverBaseUrl, message) => refused({ serverBaseUrl }, message))

  test.each([`${host}:65535/`, `${host}:00443/team.a/..b/`, 'https://[2001:db8::1]/team'])(
    '%s is accepted',
    async (serverBaseUrl) => {
      const { code, error } = await rendered({ serverBaseUrl, ingress: { enabled: false, tlsSecret: '' } })
      expect(code, error).toBe(0)
    },
  )
})
