/** What the README's example plugs into: a Koa application, an MCP server, and a function that acts in Jira. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import Koa from 'koa'
import type { CredentialHandle } from 'mcp-credential-vault'
import { z } from 'zod'

export const app = new Koa()
export const server = new McpServer({ name: 'jira', version: '1.0.0' })
export const inputSchema = { title: z.string().min(1) }

export async function createIssue(title: string, credentials: CredentialHandle): Promise<string> {
  const answer = await credentials.fetch('/rest/api/2/issue', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ fields: { project: { key: 'IT' }, summary: title, issuetype: { name: 'Task' } } }),
  })
  if (!answer.ok) throw new Error(`Jira answered ${answer.status}: ${await answer.text()}`)
  const issue = (await answer.json()) as { key: string }
  return issue.key
}
