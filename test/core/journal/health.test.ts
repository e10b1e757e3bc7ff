import { expect, test } from 'vitest'
import { createHealth } from '../../../src/core/journal/health.ts'

test('an outage whose operations fail in turns for two reasons tells each once, and is told again after it has ended', () => {
  const told: string[] = []
  const changes: (string | undefined)[] = []
  const health = createHealth(
    (message) => void told.push(message),
    (_, problem) => void changes.push(problem),
  )
  for (let turn = 0; turn < 100; turn += 1) {
    health.failed('pending-store', 'redis_away')
    health.failed('pending-store', 'redis_timeout')
  }
  expect(told).toEqual(['pending-store: redis_away', 'pending-store: redis_timeout'])
  expect(health.problems().get('pending-store')).toBe('redis_timeout')
  expect(changes).toHaveLength(200)
  health.recovered('pending-store')
  health.failed('pending-store', 'redis_away')
  expect(told.slice(2)).toEqual(['pending-store: works again', 'pending-store: redis_away'])
})
