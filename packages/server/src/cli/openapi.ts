import type { Command } from 'commander'
import { openApiDocument } from '../http/openapi.ts'
import { Hint, printJson } from './terminal.ts'

/** Adds `ostiary openapi`: the document that a running server has at `/openapi.json`. */
export function addOpenapiCommand(program: Command): void {
  program
    .command('openapi')
    .description('print the OpenAPI document (3.1)')
    .option(
      '-u, --url <url>',
      'of the server that it tells of',
      process.env.OSTIARY_URL ?? 'http://localhost:4545',
    )
    .option('--json', 'as it is anyway')
    .addHelpText('after', '\nExample:\n  $ ostiary openapi --url https://auth.example.com > openapi.json')
    .action(async ({ url }: { url: string }) => {
      if (!URL.canParse(url) || new URL(url).origin !== url)
        throw new Hint(`"${url}" is not an origin`, 'give one like https://auth.example.com')
      printJson(await openApiDocument(url))
    })
}
