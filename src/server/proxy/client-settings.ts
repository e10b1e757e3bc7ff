/** What a user pastes to add one server to one client. */
export interface ClientSetting {
  readonly name: string
  readonly where: string
  readonly text: string
}

/** Returns the settings for the clients that most people use, and for the others. The name has lower-case letters, digits and hyphens. */
export function clientSettings(name: string, url: string): readonly ClientSetting[] {
  const file = (settings: object) => JSON.stringify(settings, undefined, 2)
  return [
    {
      name: 'Claude Code',
      where: 'Run in a terminal:',
      text: `claude mcp add --transport http ${name} ${url}`,
    },
    {
      name: 'VS Code',
      where: 'In .vscode/mcp.json of a folder, or in what “MCP: Open User Configuration” opens:',
      text: file({ servers: { [name]: { type: 'http', url } } }),
    },
    {
      name: 'Cursor',
      where: 'In .cursor/mcp.json of a folder or of your home:',
      text: file({ mcpServers: { [name]: { url } } }),
    },
    {
      name: 'Other clients',
      where: 'Most take this. The server speaks Streamable HTTP and asks for a login by OAuth:',
      text: file({ mcpServers: { [name]: { type: 'http', url } } }),
    },
  ]
}
