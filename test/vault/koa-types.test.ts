import express from 'express'
import Koa from 'koa'
import { memoryBackend, openVault } from 'mcp-credential-vault'
import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../src/audit/memory.ts'

test("our own types of Koa take a Koa application and Koa's middleware, and no Express application", async () => {
  const vault = await openVault({
    serverBaseUrl: 'http://localhost:8005',
    backend: memoryBackend(),
    audit: memoryAudit(),
  })
  onTestFinished(() => vault.close())
  const app = new Koa()
  vault.register(app)
  app.use(vault.bearerGate())
  const routes: Koa.Middleware = vault.routes
  const own: typeof vault.routes = (async (ctx, next) => {
    ctx.body = await next()
  }) satisfies Koa.Middleware
  expect([app.middleware[0], typeof own]).toEqual([routes, 'function'])
  // @ts-expect-error The type check fails when Express fits.
  expect(typeof (() => vault.register(express()))).toBe('function')
})
