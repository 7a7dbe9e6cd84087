import { z } from 'zod'
import { changeSettings, settingsEtag } from '../../core/settings/change.ts'
import { Settings } from '../../core/settings/settings.ts'
import { endpoint } from '../endpoint.ts'

/** The endpoints of settings (CONTRACT section 7): effective values, an ETag, merge patches. */

export const getSettingsEndpoint = endpoint({
  method: 'GET',
  path: '/v1/settings',
  summary: 'The settings that hold',
  scopes: ['admin', 'read'],
  status: 200,
  answer: Settings,
  errors: [],
  act: async (_deps, { view }) => view,
  render: view => view.settings,
  etag: settingsEtag,
})

export const updateSettingsEndpoint = endpoint({
  method: 'PATCH',
  path: '/v1/settings',
  summary: 'Change settings (merge patch, If-Match)',
  scopes: ['admin'],
  body: z
    .record(z.string(), z.json())
    .meta({ id: 'SettingsPatch', description: 'Any part of Settings; null returns to the default' }),
  status: 200,
  answer: Settings,
  errors: ['precondition_failed', 'state_conflict'],
  act: (deps, call) => changeSettings(deps, call, call.body, call.ifMatch),
  render: view => view.settings,
  etag: settingsEtag,
})
