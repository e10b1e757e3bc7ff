import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bringFromDebian } from './bring-from-debian.mjs'
import { bringPackages } from './bring-python.mjs'
import { writeSchemas } from './kubernetes-schemas.mjs'

const TOOLS = fileURLToPath(new URL('./deploy-tools', import.meta.url))
const FOLDER = resolve('.cache/deploy')
const COMMANDS = {
  helm: 'helm.sh/helm/v3/cmd/helm',
  kubeconform: 'github.com/yannh/kubeconform/cmd/kubeconform',
  'compose-spec': 'github.com/compose-spec/compose-go/v2/cmd',
}
/** Modules that hold the descriptions of Kubernetes' objects, with the checksums of Go's database. */
const DESCRIPTIONS = {
  kubernetes: ['k8s.io/kubernetes@v1.37.2', 'h1:A2VDEiObzkYqFTKhSsn0ZEb0RlLEXpHWj93gi2HqEwE='],
  operator: [
    'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    'h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=',
  ],
}

/**
 * Brings what the tests of deploy/ need: nginx, openssl and systemd-analyze through apt; in .cache/deploy helm, kubeconform and the reader
 * of Compose files, built with a Go of our own from the versions and checksums of scripts/deploy-tools; the schemas of Kubernetes' objects.
 */
export async function bringDeployTools() {
  bringFromDebian({ command: 'nginx', flag: '-v', packages: ['nginx-light'], why: 'nginx, in front of the servers' })
  bringFromDebian({ command: 'openssl', flag: 'version', packages: ['openssl'], why: 'openssl, for certificates' })
  bringFromDebian({
    command: 'systemd-analyze',
    flag: '--version',
    packages: ['systemd'],
    why: 'systemd, which checks the unit',
  })
  const done = `${FOLDER}/done.txt`
  const wanted = [JSON.stringify([COMMANDS, DESCRIPTIONS]), ...['go.mod', 'go.sum'].map((name) => read(name))].join(
    '\n',
  )
  if (existsSync(done) && readFileSync(done, 'utf8') === wanted) return
  console.log(
    'Building helm, kubeconform and a reader of Compose files, which check deploy/. The first time takes minutes.',
  )
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(`${FOLDER}/bin`, { recursive: true })
  const go = `${bringPackages('go', 'deploy-packages.txt')}/go`
  for (const [name, module] of Object.entries(COMMANDS))
    run(go, ['build', '-C', TOOLS, '-mod=readonly', '-trimpath', '-o', `${FOLDER}/bin/${name}`, module])
  const [kubernetes, operator] = [download(go, DESCRIPTIONS.kubernetes), download(go, DESCRIPTIONS.operator)]
  writeSchemas(`${FOLDER}/schemas`, {
    swagger: `${kubernetes}/api/openapi-spec/swagger.json`,
    resources: [`${operator}/jsonnet/prometheus-operator/servicemonitors-crd.json`],
  })
  writeFileSync(done, wanted)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bringDeployTools()

function read(name) {
  return readFileSync(`${TOOLS}/${name}`, 'utf8')
}

/** Returns the folder of a module whose checksum is the expected one. */
function download(go, [module, sum]) {
  const { Dir, Sum } = JSON.parse(run(go, ['mod', 'download', '-json', module], 'pipe'))
  if (Sum === sum) return Dir
  console.error(`${module} has the checksum ${Sum}, not ${sum} of scripts/bring-deploy-tools.mjs.\n`)
  process.exit(1)
}

function run(go, parameters, output = 'inherit') {
  const env = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '' }
  const { status, stdout } = spawnSync(go, parameters, { stdio: ['ignore', output, 'inherit'], env, encoding: 'utf8' })
  if (status === 0) return stdout
  console.error(
    `The tests of deploy/ need Go modules. This failed; try it by hand:\n\n  ${go} ${parameters.join(' ')}\n`,
  )
  process.exit(1)
}
