import { guardTemplates } from '../actions/mail.ts'
import { type Call, type Deps, refuse } from '../deps.ts'
import type { EnvironmentView } from '../environments/directory.ts'
import { fieldError, OstiaryError } from '../errors.ts'
import { hookKeys } from '../hooks/secret.ts'
import { relyingPartyFaults } from '../passkeys/relying-party.ts'
import { refusalAtSave } from '../webhooks/target.ts'
import { effectiveSettings, patchSettings, type SettingsPatch } from './settings.ts'

/** The `ETag` of an environment's settings. */
export const settingsEtag = (view: EnvironmentView) => `"${view.environment.settingsVersion}"`

/**
 * Changes settings by a merge patch; null returns one to its default. With `If-Match`, only the version that it names
 * is changed. Refusals: `invalid_request`, `precondition_failed`, `state_conflict` after losing three races.
 */
export async function changeSettings(
  deps: Deps,
  call: Call,
  patch: SettingsPatch,
  ifMatch: string | null,
): Promise<EnvironmentView> {
  const { directory, store, clock } = deps
  const id = call.view.environment.id
  for (let tries = 0; tries < 3; tries++) {
    directory.forget()
    const view = await directory.byId(id)
    if (!view) return refuse('unavailable')
    if (ifMatch !== null && ifMatch !== '*' && ifMatch !== settingsEtag(view))
      return refuse('precondition_failed')
    const settings = patchSettings(view.environment.settings, patch)
    // Only when it is asked for: an app that lost its origin must not stand in the way of every other setting.
    if ('passkey' in patch) guardRelyingParty(deps, view, settings)
    if ('action' in patch) guardTemplates(view, effectiveSettings(settings))
    if ('hooks' in patch) await guardHook(deps, view, settings)
    const isSaved = await store.saveSettings({
      origin: call.origin,
      now: clock.now(),
      version: view.environment.settingsVersion,
      settings,
      changed: Object.keys(patch),
    })
    directory.forget()
    if (isSaved) return await readBack(deps, id)
    if (ifMatch !== null) return refuse('precondition_failed')
  }
  return refuse('state_conflict', 'The settings are being changed by somebody else right now.')
}

function guardRelyingParty({ publicUrl }: Deps, { apps }: EnvironmentView, settings: SettingsPatch) {
  const appOrigins = apps.flatMap(({ origins }) => origins)
  const errors = relyingPartyFaults(effectiveSettings(settings).passkey, publicUrl, appOrigins)
  if (errors.length > 0)
    throw new OstiaryError('invalid_request', { detail: 'The settings were not changed.', errors })
}

/** A hook that could not be called, or whose calls nothing would sign, is refused here and not at the next sign-in. */
async function guardHook(
  deps: Deps,
  { environment }: EnvironmentView,
  settings: SettingsPatch,
): Promise<void> {
  const { url } = effectiveSettings(settings).hooks.beforeSignIn
  if (url === null) return
  const refusal = refusalAtSave(url, environment.mode, deps.webhookTargets)
  if (refusal) throw fieldError('hooks.beforeSignIn.url', 'not_allowed', refusal)
  if (!(await hookKeys(deps, environment.id)))
    throw fieldError(
      'hooks.beforeSignIn.url',
      'no_secret',
      'needs a secret that signs its calls: POST /v1/hooks/before-sign-in/rotate-secret first',
    )
}

/** What was saved. It stands: a read that fails now must not tell the caller that nothing was changed. */
async function readBack({ directory }: Deps, id: string): Promise<EnvironmentView> {
  const view = await directory.byId(id).catch(cause => {
    throw new OstiaryError('outcome_unknown', { reason: 'saved, but it cannot be read back', cause })
  })
  return view ?? refuse('unavailable')
}
