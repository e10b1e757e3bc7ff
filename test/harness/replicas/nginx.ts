import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProcess } from '../processes/running-process.ts'

export interface PassedOn {
  readonly method: string
  readonly path: string
  readonly status: number
  /** The port of the server that answered it: the last one, where nginx tried several. */
  readonly port: number
}

export interface LoadBalancer {
  readonly url: string
  /** What it passed on and has ended, oldest first. */
  passedOn(): readonly PassedOn[]
  /** Lets the next page come from the server on this port. */
  nextPageFrom(port: number): Promise<void>
  stop(): Promise<void>
}

/** nginx on `port`, before servers on loopback: requests in turn, and those of one MCP client to one server when `sticky`. */
export async function startNginx({
  port,
  servers,
  sticky,
}: {
  readonly port: number
  readonly servers: readonly number[]
  readonly sticky: boolean
}): Promise<LoadBalancer> {
  const folder = mkdtempSync(join(tmpdir(), 'nginx-'))
  const log = join(folder, 'access.log')
  writeFileSync(join(folder, 'nginx.conf'), configuration({ folder, log, port, servers, sticky }))
  const started = await startProcess(
    'nginx',
    ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', join(folder, 'error.log')],
    {},
    async () => (await fetch(`http://127.0.0.1:${port}/nginx`)).ok,
  )
  const passedOn = () => readFileSync(log, 'utf8').trim().split('\n').flatMap(passedOnOf)
  return {
    url: `http://localhost:${port}`,
    passedOn,
    async nextPageFrom(wanted) {
      const before = servers[(servers.indexOf(wanted) + servers.length - 1) % servers.length]
      do await fetch(`http://127.0.0.1:${port}/health`)
      while (passedOn().at(-1)?.port !== before)
    },
    async stop() {
      await started.stop('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function passedOnOf(line: string): PassedOn[] {
  const [method = '', path = '', status = '', ...addresses] = line.split(' ')
  const port = /:(\d+)$/.exec(addresses.at(-1) ?? '')?.[1]
  return port === undefined ? [] : [{ method, path, status: Number(status), port: Number(port) }]
}

function configuration({
  folder,
  log,
  port,
  servers,
  sticky,
}: {
  readonly folder: string
  readonly log: string
  readonly port: number
  readonly servers: readonly number[]
  readonly sticky: boolean
}): string {
  const list = servers.map((one) => `    server 127.0.0.1:${one} max_fails=1 fail_timeout=1s;`).join('\n')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `  ${name}_temp_path ${folder};`)
    .join('\n')
  // One process of nginx, so that "in turn" is exact.
  return `daemon off;
master_process off;
pid ${folder}/nginx.pid;
events {}
http {
  log_format passed_on '$request_method $uri $status $upstream_addr';
  access_log ${log} passed_on;
${temporary}
  upstream pages {
${list}
  }
  upstream mcp {
${sticky ? '    hash $http_authorization consistent;\n' : ''}${list}
  }
  server {
    listen 127.0.0.1:${port};
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_buffering off;
    proxy_read_timeout 1h;
    location = /nginx { return 204; }
    location = /mcp {
      add_header X-Replica $upstream_addr always;
      proxy_pass http://mcp;
    }
${servers.map((one) => `    location = /mcp-${one} { proxy_pass http://127.0.0.1:${one}/mcp; }`).join('\n')}
    location / { proxy_pass http://pages; }
  }
}
`
}
