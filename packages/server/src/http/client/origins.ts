import { isLocalhostOrigin } from '../../core/apps/origins.ts'
import type { EnvironmentView } from '../../core/environments/directory.ts'
import type { App } from '../../core/rows.ts'

/**
 * Whether pages of this origin may call for the app (CONTRACT section 4): the app's list, compared as the browser sends it,
 * and in `test` any `http://localhost:*` besides.
 */
export function isAppOrigin(origin: string, app: App, { environment }: EnvironmentView): boolean {
  return (environment.mode === 'test' && isLocalhostOrigin(origin)) || app.origins.includes(origin)
}

/**
 * Whether a request comes from a page of this server: the browser says so itself; where it says nothing, by the Origin that
 * only it can set.
 */
export function isOwnPage(site: string | undefined, origin: string | undefined, publicUrl: string): boolean {
  return site === undefined ? origin === new URL(publicUrl).origin : site === 'same-origin'
}
