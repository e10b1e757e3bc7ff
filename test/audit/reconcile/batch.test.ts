import { expect, test } from 'vitest'
import { readCloudTrail } from '../../../src/audit/reconcile/cloudtrail.ts'

test('values that somebody read by the batch are an access', () => {
  const record = {
    eventTime: '2026-11-22T10:00:00Z',
    eventSource: 'secretsmanager.amazonaws.com',
    eventName: 'BatchGetSecretValue',
    requestID: 'r1',
    userIdentity: { arn: 'arn:aws:iam::1:user/mallory' },
    requestParameters: { secretIdList: ['other/x', 'mcp/jira/a/b'] },
  }
  const { accesses } = readCloudTrail(JSON.stringify({ Records: [record] }), 'mcp')
  expect(accesses.map(({ requestId }) => requestId)).toEqual(['r1'])
})
