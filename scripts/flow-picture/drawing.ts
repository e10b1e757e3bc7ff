/** Colours of GitHub's pages, so that the picture reads as a part of the page. */
export const FLOW_COLOURS = {
  light: { page: '#ffffff', box: '#f6f8fa', frame: '#d0d7de', text: '#1f2328', faint: '#59636e', secret: '#1a7f37' },
  dark: { page: '#0d1117', box: '#151b23', frame: '#3d444d', text: '#f0f6fc', faint: '#9198a1', secret: '#3fb950' },
} as const

type Colours = (typeof FLOW_COLOURS)[keyof typeof FLOW_COLOURS]

interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly lines: readonly [string, string]
}

interface Step {
  readonly path: string
  readonly label: string
  readonly at: readonly [number, number]
  readonly anchor?: 'start' | 'middle'
  /** The token goes along it. */
  readonly secret?: true
}

const HEIGHT = 70
const BOXES: readonly Box[] = [
  { x: 20, y: 50, width: 160, lines: ['MCP client', 'and its model'] },
  { x: 20, y: 300, width: 160, lines: ['Browser', 'of the user'] },
  { x: 370, y: 50, width: 180, lines: ['Gate', 'and your tool'] },
  { x: 370, y: 300, width: 180, lines: ['Form', 'one masked field'] },
  { x: 738, y: 50, width: 172, lines: ['Service', 'such as Jira'] },
  { x: 738, y: 175, width: 172, lines: ['Backend', 'sealed file, Vault, AWS'] },
  { x: 738, y: 300, width: 172, lines: ['Identity provider', 'OpenID Connect'] },
]

const STEPS: readonly Step[] = [
  { path: 'M180 70 H364', label: '1  calls the tool', at: [272, 62] },
  { path: 'M370 100 H186', label: '2  gets a link', at: [272, 118] },
  { path: 'M100 120 V294', label: '3  opens the link', at: [112, 212], anchor: 'start' },
  { path: 'M550 350 H732', label: '4  signs the user in', at: [584, 368], anchor: 'start' },
  { path: 'M180 335 H364', label: '5  pastes the token', at: [272, 327], secret: true },
  { path: 'M550 318 H690 V225 H732', label: '6  saves it', at: [584, 310], anchor: 'start', secret: true },
  { path: 'M738 195 H690 V100 H556', label: '7  reads it', at: [584, 120], anchor: 'start', secret: true },
  { path: 'M550 70 H732', label: '8  acts as the user', at: [584, 62], anchor: 'start', secret: true },
]

const TITLE = 'How one token is collected and used'
const ALTERNATIVE =
  'The MCP client calls a tool and gets a link. The user opens it in a browser, signs in at the identity provider and pastes the token ' +
  'into the form. The form saves it in the backend. The tool reads it there and acts as the user at the service. The token never ' +
  'passes through the client.'

/** One SVG without scripts, styles or fonts of its own: GitHub serves such a file as it is. */
export function flowPicture(name: keyof typeof FLOW_COLOURS): string {
  const colours = FLOW_COLOURS[name]
  const font = 'font-family="-apple-system, Segoe UI, Helvetica, Arial, sans-serif"'
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 920 420" role="img" aria-labelledby="title text" ${font}>`,
    `<title id="title">${TITLE}</title>`,
    `<desc id="text">${ALTERNATIVE}</desc>`,
    `<rect width="920" height="420" rx="8" fill="${colours.page}"/>`,
    ...marker('plain', colours.faint),
    ...marker('secret', colours.secret),
    `<rect x="346" y="10" width="228" height="380" rx="10" fill="none" stroke="${colours.frame}" stroke-dasharray="5 4"/>`,
    text([460, 34], 'Your MCP server', { fill: colours.faint, size: 14 }),
    ...BOXES.flatMap((box) => drawnBox(box, colours)),
    ...STEPS.flatMap((step) => drawnStep(step, colours)),
    `<path d="M20 405 H56" stroke="${colours.secret}" stroke-width="3"/>`,
    text([64, 410], 'the path of the token', { fill: colours.faint, size: 14, anchor: 'start' }),
    '</svg>\n',
  ].join('\n')
}

function drawnBox({ x, y, width, lines: [name, more] }: Box, colours: Colours): string[] {
  const middle = x + width / 2
  return [
    `<rect x="${x}" y="${y}" width="${width}" height="${HEIGHT}" rx="6" fill="${colours.box}" stroke="${colours.frame}"/>`,
    text([middle, y + 31], name, { fill: colours.text, size: 16, weight: 600 }),
    text([middle, y + 52], more, { fill: colours.faint, size: 13 }),
  ]
}

function drawnStep({ path, label, at, anchor, secret }: Step, colours: Colours): string[] {
  const colour = secret ? colours.secret : colours.faint
  const end = `marker-end="url(#${secret ? 'secret' : 'plain'})"`
  return [
    `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${secret ? 3 : 1.5}" stroke-linejoin="round" ${end}/>`,
    text(at, label, { fill: secret ? colours.secret : colours.text, size: 14, anchor }),
  ]
}

/** A head of one size, whatever the line's width. */
function marker(id: string, colour: string): string[] {
  return [
    `<marker id="${id}" viewBox="0 0 10 10" refX="5" refY="5" markerWidth="11" markerHeight="11" markerUnits="userSpaceOnUse" orient="auto">`,
    `<path d="M0 0 L10 5 L0 10 z" fill="${colour}"/>`,
    '</marker>',
  ]
}

interface Written {
  readonly fill: string
  readonly size: number
  readonly weight?: number
  readonly anchor?: 'start' | 'middle' | undefined
}

function text([x, y]: readonly [number, number], words: string, { fill, size, weight, anchor = 'middle' }: Written) {
  const bold = weight === undefined ? '' : ` font-weight="${weight}"`
  return `<text x="${x}" y="${y}" font-size="${size}"${bold} fill="${fill}" text-anchor="${anchor}" xml:space="preserve">${words}</text>`
}
