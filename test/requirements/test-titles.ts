import { type Node, parseSync, Visitor } from 'oxc-parser'

/** Titles of the tests and groups in a test file. A title with values from a table is there as it is written, with its `%s`. */
export function testTitles(file: string, text: string): readonly string[] {
  const titles: string[] = []
  new Visitor({
    CallExpression({ callee, arguments: [first] }) {
      if (!isTestFunction(callee)) return
      if (first?.type === 'Literal' && typeof first.value === 'string') titles.push(first.value)
      if (first?.type === 'TemplateLiteral') titles.push(first.quasis.map(({ value }) => value.cooked ?? '').join('%s'))
    },
  }).visit(parseSync(file, text).program)
  return titles
}

/** `test`, `describe`, and what is made of them: `test.each(…)`. */
function isTestFunction(node: Node): boolean {
  switch (node.type) {
    case 'Identifier':
      return node.name === 'test' || node.name === 'describe'
    case 'MemberExpression':
      return isTestFunction(node.object)
    case 'CallExpression':
    case 'TaggedTemplateExpression':
      return isTestFunction(node.type === 'CallExpression' ? node.callee : node.tag)
    default:
      return false
  }
}
