/** Form-mode questions of the suite's scenarios. */

const string = { type: 'string' as const }

export const USER_FORM = {
  type: 'object' as const,
  properties: {
    username: { ...string, description: "User's response" },
    email: { ...string, description: "User's email address" },
  },
  required: ['username', 'email'],
}

/** A default for each type (SEP-1034). */
export const DEFAULTS_FORM = {
  type: 'object' as const,
  properties: {
    name: { ...string, default: 'John Doe' },
    age: { type: 'integer' as const, default: 30 },
    score: { type: 'number' as const, default: 95.5 },
    status: { ...string, enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean' as const, default: true },
  },
}

const titled = (name: string) =>
  ['First', 'Second', 'Third'].map((title, at) => ({ const: `value${at + 1}`, title: `${title} ${name}` }))
const OPTIONS = ['option1', 'option2', 'option3']

/** Each kind of choice (SEP-1330). */
export const CHOICES_FORM = {
  type: 'object' as const,
  properties: {
    untitledSingle: { ...string, enum: OPTIONS },
    titledSingle: { ...string, oneOf: titled('Option') },
    legacyEnum: {
      ...string,
      enum: ['opt1', 'opt2', 'opt3'],
      enumNames: ['Option One', 'Option Two', 'Option Three'],
    },
    untitledMulti: { type: 'array' as const, items: { ...string, enum: OPTIONS } },
    titledMulti: { type: 'array' as const, items: { anyOf: titled('Choice') } },
  },
}
