import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { withAdministration } from '../../../scripts/bring-from-debian.mjs'
import { type Ended, endedProcess } from '../processes/ended-process.ts'
import { pythonCommand } from '../processes/running-process.ts'

const ROOT = join(import.meta.dirname, '../../..')
export const CHART = 'deploy/helm/mcp-credential-vault'

/** A command that `scripts/bring-deploy-tools.mjs` builds. */
export function deployCommand(name: 'helm' | 'kubeconform' | 'compose-spec'): string {
  const path = resolve('.cache/deploy/bin', name)
  if (existsSync(path)) return path
  throw new Error(`${name} is not built: run node scripts/bring-deploy-tools.mjs`)
}

/** Runs a command in the project's folder. */
export function ended(command: string, words: readonly string[], input = '', cwd = ROOT): Promise<Ended> {
  return endedProcess(command, words, { env: withAdministration(process.env), cwd }, input)
}

/** Renders the chart with files of values and single ones, such as `all.replicas=2`. */
export function render(
  files: readonly string[],
  values: readonly string[] = [],
  kubeVersion = '1.34.0',
): Promise<Ended> {
  const given = [...files.map((file) => ['--values', file]), ...values.map((value) => ['--set', value])].flat()
  return ended(deployCommand('helm'), ['template', 'release', CHART, '--kube-version', kubeVersion, ...given])
}

/** Checks objects against Kubernetes' own description of them; unknown fields are errors. */
export function checkObjects(yaml: string): Promise<Ended> {
  const schemas = resolve('.cache/deploy/schemas/{{.ResourceKind}}{{.KindSuffix}}.json')
  return ended(deployCommand('kubeconform'), ['-strict', '-summary', '-schema-location', schemas], yaml)
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into objects of many kinds
export type KubernetesObject = any

const TO_JSON =
  'import json, sys, yaml; json.dump([d for d in yaml.safe_load_all(sys.stdin) if d], sys.stdout, default=str)'

/** The documents of a YAML file. PyYAML comes with an emulator of AWS. */
export async function yamlDocuments(yaml: string): Promise<KubernetesObject[]> {
  const { code, out, error } = await ended(pythonCommand('python'), ['-c', TO_JSON], yaml)
  if (code !== 0) throw new Error(error)
  return JSON.parse(out)
}
