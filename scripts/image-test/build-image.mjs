import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bringNode } from '../bring-node.mjs'

const FOLDER = resolve('.cache/image')
const BASE = 'localhost/debian:test'
const NODE = 'localhost/node:test'
export const IMAGE = 'localhost/mcp-credential-vault:test'
/** The policy decides which signatures images need. These are our own. */
const POLICY = `${FOLDER}/policy.json`

/** buildah with a store of its own, on any file system and without a container runtime. */
export function buildah(parameters, options = {}) {
  const store = ['--root', `${FOLDER}/storage`, '--runroot', `${FOLDER}/run`, '--storage-driver', 'vfs']
  return execFileSync('buildah', [...store, ...parameters], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    ...options,
  })?.trim()
}

/** Builds the image from two bases that stand for the ones of the registry: Debian, and Debian with Node and npm. */
export async function buildImage() {
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(POLICY, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }))
  const debian = `${FOLDER}/debian`
  if (!existsSync(`${debian}/done`)) {
    rmSync(debian, { recursive: true, force: true })
    console.log('Making a base of Debian packages.')
    execFileSync('debootstrap', ['--variant=minbase', 'bookworm', debian], { stdio: ['ignore', 'ignore', 'inherit'] })
    for (const part of ['dev', 'var/cache/apt']) execFileSync('sh', ['-c', `rm -rf ${debian}/${part}/*`])
    writeFileSync(`${debian}/done`, '')
  }
  const [[, node]] = await bringNode(['24'])
  commit(BASE, (root) => copyAll(debian, root))
  commit(NODE, (root) => {
    copyAll(debian, root)
    cpSync(node, `${root}/usr/local/bin/node`)
    const npm = execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim()
    cpSync(`${npm}/npm`, `${root}/usr/local/lib/npm`, { recursive: true, dereference: true })
    const script = '#!/bin/sh\nexec node /usr/local/lib/npm/bin/npm-cli.js "$@"\n'
    writeFileSync(`${root}/usr/local/bin/npm`, script, { mode: 0o755 })
  })
  const started = performance.now()
  const secret = npmrc()
  try {
    buildah(
      [
        ...['bud', '--isolation', 'chroot', '--signature-policy', POLICY, '--pull-never', '--format', 'docker'],
        ...[
          '--build-arg',
          `NODE_IMAGE=${NODE}`,
          '--build-arg',
          `BASE_IMAGE=${BASE}`,
          '--secret',
          `id=npmrc,src=${secret}`,
        ],
        ...['--file', 'deploy/Dockerfile', '--tag', IMAGE, '.'],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
  } finally {
    rmSync(secret)
  }
  console.log(`The image was built in ${Math.round((performance.now() - started) / 1000)} s.`)
  return IMAGE
}

/** With owners, modes and links, which cpSync does not keep. */
function copyAll(from, to) {
  execFileSync('cp', ['-a', `${from}/.`, to])
}

function commit(name, fill) {
  if (buildah(['images', '--quiet', '--filter', `reference=${name}`]) !== '') return
  const container = buildah(['from', 'scratch'])
  fill(buildah(['mount', container]))
  buildah(['commit', '--signature-policy', POLICY, '--rm', container, name], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** npm's settings of this user, with the certificate authorities that this Node trusts in addition. */
function npmrc() {
  const [home = '', extra] = [process.env.HOME, process.env.NODE_EXTRA_CA_CERTS]
  const own = existsSync(join(home, '.npmrc')) ? readFileSync(join(home, '.npmrc'), 'utf8') : ''
  const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim()
  const certificates =
    extra === undefined ? [] : (readFileSync(extra, 'utf8').match(/-----BEGIN[\s\S]*?-----END.*-----/g) ?? [])
  const authorities = certificates.map((pem) => `ca[]="${pem.replaceAll('\n', '\\n')}"`)
  const path = `${FOLDER}/npmrc`
  writeFileSync(path, [own, `registry=${registry}`, ...authorities, ''].join('\n'), { mode: 0o600 })
  return path
}
