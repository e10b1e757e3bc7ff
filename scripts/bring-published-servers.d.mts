export function bringPublishedServers(): Promise<{ readonly npm: string; readonly python: string }>
export function bringBridges(): Promise<string>
