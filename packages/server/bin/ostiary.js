#!/usr/bin/env node
// Plain JavaScript that any Node can read, so that an old one gets a sentence instead of a syntax error.
import { existsSync } from 'node:fs'
import * as module from 'node:module'
import process from 'node:process'
import v8 from 'node:v8'

const [major = 0] = process.versions.node.split('.').map(Number)
if (major < 24) {
  console.error(`Ostiary needs Node 24, this is ${process.versions.node}.`)
  console.error('Install Node 24 or later, or run it through npm in a checkout: npm install && npm start')
  process.exit(1)
}
module.enableCompileCache?.()
// The package has no src/. A checkout has, and a dist/ beside it may be older than what is being worked on.
const source = new URL('../src/cli/ostiary.ts', import.meta.url)
const built = new URL('../dist/cli/ostiary.js', import.meta.url)
// What is loaded stays: room for young objects that grew meanwhile would be kept for nothing. Under load it may grow.
v8.setFlagsFromString('--semi-space-growth-factor=1')
const { run } = await import(existsSync(source) ? source.href : built.href)
v8.setFlagsFromString('--semi-space-growth-factor=2')
await run(process.argv)
