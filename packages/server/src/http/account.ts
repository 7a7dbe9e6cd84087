import { Hono } from 'hono'
import { z } from 'zod'
import { guardRedirect } from '../core/challenges/create.ts'
import { OstiaryError } from '../core/errors.ts'
import { ownTexts } from '../core/settings/texts.ts'
import { apiKeyMode } from '../core/tokens.ts'
import * as fields from './api/fields.ts'
import type { AppVariables, HttpDeps } from './app.ts'
import { validate } from './body.ts'
import { elementFiles } from './element.ts'
import { accountPage } from './pages/account-page.ts'
import { pageTexts, wishesOf } from './pages/page-texts.ts'
import { orErrorPage, page } from './sign-in.ts'

/** What a link to the page may say. Other names are passed over. */
const Query = z.object({
  key: z.string().max(200).optional(),
  returnUrl: z.string().max(2048).optional(),
  // What nobody knows here is no reason to keep anybody out.
  locale: fields.locale.optional().catch(undefined),
  theme: z.enum(['light', 'dark']).optional().catch(undefined),
})

/**
 * `GET /account?key=opk_…&returnUrl=…`: the page where a person sees and changes their own account. The returnUrl is on the
 * app's list of redirect URLs, or there is an error page.
 */
export function accountRoutes(deps: HttpDeps): Hono<AppVariables> {
  const app = new Hono<AppVariables>()
  app.get('/account', c =>
    orErrorPage(deps, c, async () => {
      const query = queryOf(c.req.url)
      const found = apiKeyMode('opk', query.key ?? '')
        ? await deps.directory.byPublishableKey(query.key ?? '')
        : null
      if (!found) throw new OstiaryError('unauthorized', { detail: 'The publishable key is unknown.' })
      const { view } = found
      guardRedirect(found, found.app, { redirectUrl: query.returnUrl, codeChallenge: undefined })
      const { settings } = view
      const texts = pageTexts(
        [query.locale, ...wishesOf(c.req.header('accept-language'))],
        settings,
        'account.',
      )
      const look = {
        settings,
        texts,
        theme: query.theme ?? null,
        nonce: deps.random.bytes(18).toString('base64url'),
      }
      const brand = { ...settings.brand, texts: ownTexts(settings, texts.locale, 'account.') }
      const attributes = {
        key: query.key ?? null,
        'return-url': query.returnUrl ?? null,
        locale: texts.locale,
        theme: look.theme,
        brand: JSON.stringify(brand),
      }
      const { version } = await elementFiles()
      return page(c, accountPage(look, { version, attributes }))
    }),
  )
  return app
}

/** The query, each name at most once. */
function queryOf(address: string): z.infer<typeof Query> {
  const { search, searchParams } = new URL(address)
  const isTwice = Object.keys(Query.shape).some(name => searchParams.getAll(name).length > 1)
  if (isTwice || /%00/.test(search)) throw new OstiaryError('invalid_request')
  return validate(Query, Object.fromEntries(searchParams))
}
