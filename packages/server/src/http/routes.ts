import * as actions from './api/actions.ts'
import { createApiKeyEndpoint, listApiKeysEndpoint, revokeApiKeyEndpoint } from './api/api-keys.ts'
import {
  createAppEndpoint,
  deleteAppEndpoint,
  getAppEndpoint,
  listAppsEndpoint,
  updateAppEndpoint,
} from './api/apps.ts'
import * as authenticators from './api/authenticators.ts'
import { claimChallengeEndpoint } from './api/claim-challenge.ts'
import { createChallengeEndpoint } from './api/create-challenge.ts'
import * as devices from './api/devices.ts'
import { getChallengeEndpoint } from './api/get-challenge.ts'
import * as hooks from './api/hooks.ts'
import { listChallengesEndpoint } from './api/list-challenges.ts'
import { listEventsEndpoint } from './api/list-events.ts'
import { listMessagesEndpoint } from './api/list-messages.ts'
import * as lists from './api/lists.ts'
import { resendChallengeEndpoint } from './api/resend-challenge.ts'
import * as rules from './api/rules.ts'
import * as sessions from './api/sessions.ts'
import { getSettingsEndpoint, updateSettingsEndpoint } from './api/settings.ts'
import { statsEndpoint } from './api/stats.ts'
import * as templates from './api/templates.ts'
import { addressTimelineEndpoint, userTimelineEndpoint } from './api/timelines.ts'
import * as users from './api/users.ts'
import { verifyCodeEndpoint } from './api/verify-code.ts'
import { verifyLinkEndpoint } from './api/verify-link.ts'
import * as webhooks from './api/webhooks.ts'
import { beginEndpoint } from './client/begin.ts'
import { cancelEndpoint } from './client/cancel.ts'
import { currentEndpoint } from './client/current.ts'
import type { ClientEndpoint } from './client/endpoint.ts'
import { enrollEndpoint, finishEnrollEndpoint } from './client/enroll.ts'
import { eventsEndpoint } from './client/events.ts'
import { finishEndpoint } from './client/finish.ts'
import { identifyEndpoint } from './client/identify.ts'
import { myActivityEndpoint } from './client/me/activity.ts'
import * as identifiers from './client/me/identifiers.ts'
import * as passkeys from './client/me/passkeys.ts'
import { proofEndpoint } from './client/me/proof.ts'
import { endMyOtherSessionsEndpoint, endMySessionEndpoint, mySessionsEndpoint } from './client/me/sessions.ts'
import { signOutEndpoint } from './client/me/sign-out.ts'
import { meEndpoint } from './client/me.ts'
import { openEndpoint } from './client/open.ts'
import { passkeyEndpoint } from './client/passkey.ts'
import { clientRefreshEndpoint } from './client/refresh.ts'
import { resendEndpoint } from './client/resend.ts'
import { sendEndpoint } from './client/send.ts'
import { clientValidateEndpoint } from './client/validate.ts'
import { verifyEndpoint } from './client/verify.ts'
import type { Endpoint } from './endpoint.ts'

/** The API, read as a table of contents. Everything about a route stands in its endpoint. */
export const ENDPOINTS = [
  createChallengeEndpoint, // POST   /v1/challenges
  listChallengesEndpoint, // GET    /v1/challenges
  verifyLinkEndpoint, // POST   /v1/challenges/verify
  getChallengeEndpoint, // GET    /v1/challenges/{id}
  verifyCodeEndpoint, // POST   /v1/challenges/{id}/verify
  resendChallengeEndpoint, // POST   /v1/challenges/{id}/resend
  claimChallengeEndpoint, // POST   /v1/challenges/{id}/claim

  actions.trackActionEndpoint, // POST   /v1/actions
  actions.listActionsEndpoint, // GET    /v1/actions
  actions.validateActionEndpoint, // POST   /v1/actions/validate
  actions.getActionEndpoint, // GET    /v1/actions/{id}
  actions.reviewActionEndpoint, // PATCH  /v1/actions/{id}

  sessions.openSessionEndpoint, // POST   /v1/sessions
  sessions.refreshSessionEndpoint, // POST   /v1/sessions/refresh
  sessions.verifySessionEndpoint, // POST   /v1/sessions/verify
  sessions.getSessionEndpoint, // GET    /v1/sessions/{id}
  sessions.revokeSessionEndpoint, // POST   /v1/sessions/{id}/revoke

  users.createUserEndpoint, // POST   /v1/users
  users.listUsersEndpoint, // GET    /v1/users
  users.getUserEndpoint, // GET    /v1/users/{id}
  users.updateUserEndpoint, // PATCH  /v1/users/{id}
  users.deleteUserEndpoint, // DELETE /v1/users/{id}
  users.blockUserEndpoint, // POST   /v1/users/{id}/block
  users.unblockUserEndpoint, // POST   /v1/users/{id}/unblock
  users.addIdentifierEndpoint, // POST   /v1/users/{id}/identifiers
  users.removeIdentifierEndpoint, // DELETE /v1/users/{id}/identifiers
  sessions.listUserSessionsEndpoint, // GET    /v1/users/{id}/sessions
  sessions.revokeUserSessionsEndpoint, // POST   /v1/users/{id}/sessions/revoke
  userTimelineEndpoint, // GET    /v1/users/{id}/timeline

  authenticators.importAuthenticatorEndpoint, // POST   /v1/users/{id}/authenticators
  authenticators.listAuthenticatorsEndpoint, // GET    /v1/users/{id}/authenticators
  authenticators.renameAuthenticatorEndpoint, // PATCH  /v1/users/{id}/authenticators/{authenticatorId}
  authenticators.removeAuthenticatorEndpoint, // DELETE /v1/users/{id}/authenticators/{authenticatorId}

  devices.listDevicesEndpoint, // GET    /v1/users/{id}/devices
  devices.rememberDeviceEndpoint, // PATCH  /v1/users/{id}/devices/{deviceId}
  devices.endDeviceEndpoint, // POST   /v1/users/{id}/devices/{deviceId}/end

  createAppEndpoint, // POST   /v1/apps
  listAppsEndpoint, // GET    /v1/apps
  getAppEndpoint, // GET    /v1/apps/{id}
  updateAppEndpoint, // PATCH  /v1/apps/{id}
  deleteAppEndpoint, // DELETE /v1/apps/{id}
  createApiKeyEndpoint, // POST   /v1/api-keys
  listApiKeysEndpoint, // GET    /v1/api-keys
  revokeApiKeyEndpoint, // DELETE /v1/api-keys/{id}
  getSettingsEndpoint, // GET    /v1/settings
  updateSettingsEndpoint, // PATCH  /v1/settings

  templates.createTemplateEndpoint, // POST   /v1/templates
  templates.listTemplatesEndpoint, // GET    /v1/templates
  templates.getTemplateEndpoint, // GET    /v1/templates/{id}
  templates.updateTemplateEndpoint, // PATCH  /v1/templates/{id}
  templates.deleteTemplateEndpoint, // DELETE /v1/templates/{id}
  templates.previewTemplateEndpoint, // POST   /v1/templates/{id}/preview

  hooks.rotateHookSecretEndpoint, // POST   /v1/hooks/before-sign-in/rotate-secret

  webhooks.createWebhookEndpoint, // POST   /v1/webhooks
  webhooks.listWebhookEndpoints, // GET    /v1/webhooks
  webhooks.getWebhookEndpoint, // GET    /v1/webhooks/{id}
  webhooks.updateWebhookEndpoint, // PATCH  /v1/webhooks/{id}
  webhooks.deleteWebhookEndpoint, // DELETE /v1/webhooks/{id}
  webhooks.rotateWebhookSecret, // POST   /v1/webhooks/{id}/rotate-secret
  webhooks.testWebhookEndpoint, // POST   /v1/webhooks/{id}/test
  webhooks.listWebhookDeliveries, // GET    /v1/webhooks/{id}/deliveries
  webhooks.replayWebhooks, // POST   /v1/webhooks/{id}/replay

  rules.createRuleEndpoint, // POST   /v1/rules
  rules.listRulesEndpoint, // GET    /v1/rules
  rules.tryRulesEndpoint, // POST   /v1/rules/test
  rules.listRuleVersionsEndpoint, // GET    /v1/rules/versions
  rules.getRuleVersionEndpoint, // GET    /v1/rules/versions/{id}
  rules.rollBackRulesEndpoint, // POST   /v1/rules/rollback
  rules.getRuleEndpoint, // GET    /v1/rules/{id}
  rules.updateRuleEndpoint, // PATCH  /v1/rules/{id}
  rules.deleteRuleEndpoint, // DELETE /v1/rules/{id}

  lists.createListEndpoint, // POST   /v1/lists
  lists.listListsEndpoint, // GET    /v1/lists
  lists.getListEndpoint, // GET    /v1/lists/{id}
  lists.updateListEndpoint, // PATCH  /v1/lists/{id}
  lists.deleteListEndpoint, // DELETE /v1/lists/{id}

  addressTimelineEndpoint, // GET    /v1/timeline
  listEventsEndpoint, // GET    /v1/events
  statsEndpoint, // GET    /v1/stats
  listMessagesEndpoint, // GET    /v1/messages
  // An endpoint's own types are known where it is declared; the table holds them side by side.
] as unknown as readonly Endpoint[]

/** What browsers call (CONTRACT section 6): by a publishable key to begin, by the action's own token or cookie afterwards. */
export const CLIENT_ENDPOINTS = [
  beginEndpoint, // POST   /client/v1/actions
  openEndpoint, // POST   /client/v1/actions/open
  currentEndpoint, // GET    /client/v1/actions/current
  identifyEndpoint, // POST   /client/v1/actions/identify
  sendEndpoint, // POST   /client/v1/actions/send
  resendEndpoint, // POST   /client/v1/actions/resend
  passkeyEndpoint, // POST   /client/v1/actions/passkey
  verifyEndpoint, // POST   /client/v1/actions/verify
  enrollEndpoint, // POST   /client/v1/actions/enroll
  finishEnrollEndpoint, // POST   /client/v1/actions/enroll/finish
  finishEndpoint, // POST   /client/v1/actions/finish
  cancelEndpoint, // POST   /client/v1/actions/cancel
  eventsEndpoint, // GET    /client/v1/actions/events
  clientValidateEndpoint, // POST   /client/v1/actions/validate
  clientRefreshEndpoint, // POST   /client/v1/sessions/refresh

  meEndpoint, // GET    /client/v1/me
  mySessionsEndpoint, // GET    /client/v1/me/sessions
  endMySessionEndpoint, // POST   /client/v1/me/sessions/end
  endMyOtherSessionsEndpoint, // POST   /client/v1/me/sessions/end-others
  myActivityEndpoint, // GET    /client/v1/me/activity
  identifiers.addMyAddressEndpoint, // POST   /client/v1/me/identifiers
  identifiers.resendMyAddressEndpoint, // POST   /client/v1/me/identifiers/resend
  identifiers.verifyMyAddressEndpoint, // POST   /client/v1/me/identifiers/verify
  identifiers.makeMyPrimaryEndpoint, // POST   /client/v1/me/identifiers/primary
  identifiers.removeMyAddressEndpoint, // POST   /client/v1/me/identifiers/remove
  passkeys.myAuthenticatorsEndpoint, // GET    /client/v1/me/authenticators
  passkeys.renameMyAuthenticatorEndpoint, // POST   /client/v1/me/authenticators/rename
  passkeys.removeMyAuthenticatorEndpoint, // POST   /client/v1/me/authenticators/remove
  passkeys.beginMyPasskeyEndpoint, // POST   /client/v1/me/passkeys
  passkeys.finishMyPasskeyEndpoint, // POST   /client/v1/me/passkeys/finish
  proofEndpoint, // POST   /client/v1/me/proof
  signOutEndpoint, // POST   /client/v1/me/sign-out
] as unknown as readonly ClientEndpoint[]
