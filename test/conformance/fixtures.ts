/** What the scenarios of the conformance suite expect to find, whichever SDK serves it. */

/** One red pixel. */
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='
/** No sound at all. */
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA='

export type Content =
  | { type: 'text'; text: string }
  | { type: 'image' | 'audio'; data: string; mimeType: string }
  | { type: 'resource'; resource: { uri: string; mimeType: string; text: string } }

export const text = (words: string) => ({ type: 'text' as const, text: words })
const image: Content = { type: 'image', data: PNG, mimeType: 'image/png' }

/** Tools that only answer. `test_reconnection` would end its stream first, on a mount that lets clients resume one. */
export const ANSWERS: Readonly<Record<string, Content[]>> = {
  test_reconnection: [text('There is no stream to resume.')],
  test_simple_text: [text('This is a simple text response for testing.')],
  test_image_content: [image],
  test_audio_content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }],
  test_embedded_resource: [
    {
      type: 'resource',
      resource: {
        uri: 'test://embedded-resource',
        mimeType: 'text/plain',
        text: 'This is an embedded resource content.',
      },
    },
  ],
  test_multiple_content_types: [
    text('Multiple content types test:'),
    image,
    {
      type: 'resource',
      resource: { uri: 'test://mixed-content-resource', mimeType: 'application/json', text: '{"test":"data"}' },
    },
  ],
}

export interface Message {
  role: 'user'
  content: Content
}

const asUser = (...contents: Content[]) => ({
  messages: contents.map((content) => ({ role: 'user' as const, content })),
})

/** Prompts, by the names of their arguments. */
export const PROMPTS: readonly {
  readonly name: string
  readonly parameters: readonly string[]
  readonly answer: (given: Readonly<Record<string, string>>) => { messages: Message[] }
}[] = [
  {
    name: 'test_simple_prompt',
    parameters: [],
    answer: () => asUser(text('This is a simple prompt for testing.')),
  },
  {
    name: 'test_prompt_with_arguments',
    parameters: ['arg1', 'arg2'],
    answer: ({ arg1, arg2 }) => asUser(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  },
  {
    name: 'test_prompt_with_embedded_resource',
    parameters: ['resourceUri'],
    answer: ({ resourceUri = '' }) =>
      asUser(
        {
          type: 'resource',
          resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
        },
        text('Please process the embedded resource above.'),
      ),
  },
  {
    name: 'test_prompt_with_image',
    parameters: [],
    answer: () => asUser(image, text('Please analyze the image above.')),
  },
]

export type ResourceContent = { uri: string; mimeType: string } & ({ text: string } | { blob: string })

export const RESOURCES: readonly ResourceContent[] = [
  { uri: 'test://static-text', mimeType: 'text/plain', text: 'This is the content of the static text resource.' },
  { uri: 'test://static-binary', mimeType: 'image/png', blob: PNG },
  { uri: 'test://watched-resource', mimeType: 'text/plain', text: 'A resource to subscribe to.' },
]

export const TEMPLATE = 'test://template/{id}/data'
export const fromTemplate = (uri: string, id: string): ResourceContent => ({
  uri,
  mimeType: 'application/json',
  text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
})

/** A tool's schema with keywords of JSON Schema 2020-12 that an SDK could lose. */
export const JSON_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object' as const,
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  ...{ if: { properties: { contactMethod: { const: 'phone' } } }, then: { required: ['phone'] }, else: {} },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  additionalProperties: false,
}
