import { expect, expectTypeOf, test } from 'vitest'
import type { VariableOptions, VariablesOptions } from '../../../src/core/model/variables.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import type { Verify } from '../../../src/vault/provider/provider-form.ts'

const variables = {
  pat: { label: 'Token', type: 'password' },
  base_url: { label: 'Site', type: 'url', allowedHosts: ['*.example.com'] },
  note: { label: 'Note', required: false },
} as const
const header = { scheme: 'Bearer', field: 'pat' } as const

test("the values that verify gets are typed from variables as use()'s are", () => {
  const provider = new CredentialsProvider({
    name: 'jira',
    variables: {
      pat: { label: 'Token', type: 'password' },
      note: { label: 'Note', required: false },
    },
    async verify(values, signal) {
      expectTypeOf(values).toEqualTypeOf<{ readonly pat: string; readonly note: string | undefined }>()
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
      // @ts-expect-error there is no such variable
      return { ok: false, problem: String(values.token) }
    },
  })
  type Values = Parameters<Parameters<ReturnType<typeof provider.getCredentials>['use']>[0]>[0]
  expectTypeOf<Values>().toEqualTypeOf<{ readonly pat: string; readonly note: string | undefined }>()
  // Whoever takes any provider still takes this one.
  expectTypeOf(provider).toExtend<CredentialsProvider>()
})

test("destinations' field is checked by type", () => {
  const provider = (destination: object) => new CredentialsProvider({ name: 'jira', variables, ...destination })
  const origin = 'https://jira.example.com'
  new CredentialsProvider({
    name: 'jira',
    variables,
    destinations: [
      { origin, header },
      { fromField: 'base_url', header: { scheme: 'Basic', user: { field: 'note' }, password: { field: 'pat' } } },
    ],
  })
  // Each is refused at run time as well.
  const wrong: (() => unknown)[] = [
    () =>
      new CredentialsProvider({
        name: 'jira',
        variables,
        // @ts-expect-error there is no such variable
        destinations: [{ origin, header: { scheme: 'Bearer', field: 'token' } }],
      }),
    () =>
      new CredentialsProvider({
        name: 'jira',
        variables,
        // @ts-expect-error there is no such variable
        destinations: [{ origin, header: { scheme: 'Basic', user: { value: '' }, password: { field: 'token' } } }],
      }),
    () =>
      new CredentialsProvider({
        name: 'jira',
        variables: { pat: { label: 'Token', type: 'password' } },
        // @ts-expect-error there is no such variable
        destinations: [{ origin, header: { name: 'Private-Token', field: 'token' } }],
      }),
    () =>
      new CredentialsProvider({
        name: 'jira',
        variables,
        // @ts-expect-error a token is no url
        destinations: [{ fromField: 'pat', header }],
      }),
    () =>
      new CredentialsProvider({
        name: 'jira',
        variables,
        // @ts-expect-error a variable without type is no url
        destinations: [{ fromField: 'note', header }],
      }),
  ]
  for (const make of wrong) expect(make).toThrow(expect.objectContaining({ code: 'configuration_invalid' }))
  expect(() => provider({ destinations: [{ origin, header }] })).not.toThrow()
})

test('variables whose types say less are checked at run time alone', () => {
  const some: VariablesOptions = variables
  const one: { base_url: VariableOptions; pat: VariableOptions } = variables
  const destinations = [{ fromField: 'base_url', header }] as const
  expect(() => new CredentialsProvider({ name: 'jira', variables: some, destinations })).not.toThrow()
  expect(() => new CredentialsProvider({ name: 'jira', variables: one, destinations })).not.toThrow()
  // What is typed elsewhere does not take away what the variables say.
  const verify: Verify = async () => ({ ok: true })
  const provider = new CredentialsProvider({ name: 'jira', variables, verify })
  expectTypeOf(provider).toEqualTypeOf<CredentialsProvider<typeof variables>>()
})
