import { expect, test } from 'vitest'
import { GOOD_VALUES, startFormServer } from '../../harness/browser/form-server.ts'
import { headingOf, visitorOf } from '../../harness/browser/visitor.ts'

test('a consent that is declined while the form is being saved does not make the pages deny the save', async () => {
  let saving = () => {}
  const begun = new Promise<void>((resolve) => {
    saving = resolve
  })
  let goOn = () => {}
  const held = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const server = await startFormServer({
    save: async (key, values, context) => {
      saving()
      await held
      return server.credentials.save(key, values, context)
    },
  })
  try {
    const link = await server.ask('alice')
    const alice = visitorOf(server)
    await alice.signIn('alice', link)
    const submitted = alice.submit(link, GOOD_VALUES)
    await begun

    // Her client answers the question with "decline" at this moment: what askAndWait does then.
    const ended = await server.pendingRequests.withdraw(link.request)
    goOn()
    await submitted

    expect(await server.stored('alice')).toMatchObject(GOOD_VALUES)
    const page = await alice.get(link.done)
    expect({ ended, heading: headingOf(page.text) }).toEqual({ ended: false, heading: 'Jira is connected' })
    expect(page.text).not.toContain('Nothing was saved')
  } finally {
    await server.close()
  }
})
