// Takes the README's pictures of the form, from the running example.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyText } from 'mcp-credential-vault'
import { connectMcpClient } from '../examples/tickets/mcp-client.ts'
import { startTickets } from '../examples/tickets/tickets-server.ts'
import { launchChromium } from '../test/browser/chromium.ts'

const folder = mkdtempSync(join(tmpdir(), 'screenshots-'))
const keyFile = join(folder, 'vault.key')
writeFileSync(keyFile, generateKeyText(), { mode: 0o600 })
const tickets = await startTickets({
  environment: { MCP_VAULT_FOLDER: join(folder, 'data'), MCP_VAULT_KEY_FILE: keyFile },
  ports: { server: 8005, tickets: 8006, identity: 8007 },
})
const links: string[] = []
const client = await connectMcpClient({
  url: tickets.url,
  user: 'Alice',
  onLink(link) {
    links.push(link)
    return 'accept'
  },
})
client.callTool({ name: 'create_ticket', arguments: { title: 'Printer is on fire' } }).catch(() => undefined)
while (links.length === 0) await new Promise((resolve) => setTimeout(resolve, 20))

const browser = await launchChromium()
for (const colorScheme of ['light', 'dark'] as const) {
  const context = await browser.newContext({
    colorScheme,
    viewport: { width: 980, height: 700 },
    deviceScaleFactor: 1.5,
  })
  const page = await context.newPage()
  await page.goto(links[0] ?? '')
  await page.getByRole('button', { name: /sign in/i }).click()
  await page.getByRole('button', { name: 'Continue as Alice' }).click()
  await page.waitForURL(/\/entry/)
  await page.mouse.move(0, 0)
  await page.screenshot({ path: `docs/images/form-${colorScheme}.png`, fullPage: true })
  await context.close()
}
await browser.close()
await client.close()
await tickets.close()
rmSync(folder, { recursive: true, force: true })
