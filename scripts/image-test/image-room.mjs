import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildah } from './build-image.mjs'

/** The group that Kubernetes gives the volume, and the image's user. */
const USER = 10001

/**
 * Mounts an image and runs commands in it as an orchestrator does: its user, its environment, a read-only root, no privileges, a volume with
 * the group of `fsGroup` in /data, the tools and a key mounted.
 */
export function imageRoom(image) {
  const container = buildah(['from', '--pull-never', image])
  const root = buildah(['mount', container])
  const config = JSON.parse(buildah(['inspect', '--type', 'image', image])).Docker.config
  const outside = mkdtempSync(join(tmpdir(), 'image-'))
  const data = join(outside, 'data')
  mkdirSync(data)
  const tools = join(outside, 'tools')
  mkdirSync(tools)
  copyFileSync('examples/tools.mjs', join(tools, 'tools.mjs'))
  const secrets = join(outside, 'secrets')
  mkdirSync(secrets)
  chmodSync(outside, 0o755)

  const mounts = [
    'mount --bind "$ROOT" "$ROOT"',
    'mount --rbind /dev "$ROOT/dev"',
    'mount -t proc proc "$ROOT/proc"',
    ...[
      [data, 'data'],
      [tools, 'app/tools'],
      [secrets, 'run/secrets'],
    ].map(([from, to]) => `mount --bind "${from}" "$ROOT/${to}"`),
    'mount -o remount,bind,ro "$ROOT"',
    'mount -o remount,bind,ro "$ROOT/app/tools"',
    'mount -o remount,bind,ro "$ROOT/run/secrets"',
    `exec chroot --userspec=${USER}:${USER} --groups=${USER} "$ROOT" /usr/bin/setpriv --no-new-privs --bounding-set=-all /bin/sh -c 'cd ${config.WorkingDir}; exec "$@"' sh "$@"`,
  ]

  /** A process in the image. Without words, it is the image's own command. */
  function start(words, environment = {}) {
    const image = Object.fromEntries(config.Env.map((pair) => pair.split(/=(.*)/s).slice(0, 2)))
    const command = ['--mount', '--propagation', 'private', '/bin/sh', '-ec', mounts.join('\n'), 'sh', ...words]
    const env = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      ...image,
      ...environment,
      ROOT: root,
    }
    const child = spawn('unshare', command, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
      })
    return { child, output: () => output, ended: new Promise((resolve) => child.once('close', resolve)) }
  }

  return {
    root,
    config,
    secrets,
    start,
    /** What a command prints; throws if it fails. */
    async run(words, environment) {
      const { ended, output } = start(words, environment)
      const code = await ended
      if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${output().trim()}`)
      return output().trim()
    },
    /** As Kubernetes does with `fsGroup` at each mount: the group owns all, and may write all. */
    mountVolume() {
      execFileSync('chgrp', ['-R', String(USER), data])
      execFileSync('chmod', ['-R', 'g+rwX', data])
      chownSync(data, 0, USER)
      chmodSync(data, 0o2775)
    },
    close() {
      buildah(['umount', container])
      buildah(['rm', container])
      rmSync(outside, { recursive: true, force: true })
    },
  }
}
