import type { Keyring } from '../keys.ts'
import type { Clock, Store } from '../ports.ts'
import type { ApiKey, App, Environment, SigningKey, Template } from '../rows.ts'
import { type RuleSet, ruleSetOf } from '../rules/decide.ts'
import { MAX_RULES } from '../rules/rule.ts'
import { importSigningKey, type SigningKeyPair } from '../sessions/access-token.ts'
import { effectiveSettings, type Settings } from '../settings/settings.ts'
import { MAX_TEMPLATES } from '../templates/templates.ts'

/** An environment with all that a request needs to know of it. */
export interface EnvironmentView {
  environment: Environment
  settings: Settings
  apps: App[]
  defaultApp: App
  signingKeys: SigningKey[]
  templates: readonly Template[]
  rules: RuleSet
  /** The key that signs now. */
  signer: SigningKeyPair
}

/**
 * Environments and API keys as this process last read them. Reading them anew for each request would be a second round
 * trip; they may be up to one second old, which is the time in which a revoked key must die on every node. A change
 * made by this process is seen at once: whoever writes calls `forget`. Age is told by the clock and by the time that has
 * gone by in truth: a clock that was set back would make what was read long ago look new.
 */
export interface Directory {
  byApiKeyHash(hash: string): Promise<{ key: ApiKey; view: EnvironmentView } | null>
  byId(environmentId: string): Promise<EnvironmentView | null>
  byPublishableKey(key: string): Promise<{ app: App; view: EnvironmentView } | null>
  bySlug(slug: string): Promise<EnvironmentView | null>
  all(): Promise<EnvironmentView[]>
  forget(): void
}

const MAX_AGE_MS = 1000
const MAX_KEYS = 10_000

/** When something was read: by the clock, and by the ticks of this process, which no change of the clock moves. */
interface Read {
  at: number
  tick: number
}

/** @param factorOf how many times the default limits are under `ostiary dev`; 1 elsewhere. */
export function createDirectory(
  { store, clock, keyring }: { store: Store; clock: Clock; keyring: Keyring },
  factorOf: (environment: Environment) => number = () => 1,
): Directory {
  let views: (Read & { value: Promise<Map<string, EnvironmentView>> }) | null = null
  let keys = new Map<string, Read & { value: Promise<ApiKey | null> }>()
  const signers = new Map<string, Promise<SigningKeyPair>>()
  const templates = new Map<string, { version: number; value: Template[] }>()
  const rules = new Map<string, { version: string; value: RuleSet }>()
  const readNow = (): Read => ({ at: clock.now(), tick: performance.now() })
  const isFresh = (entry: Read | null | undefined) =>
    entry != null &&
    Math.abs(clock.now() - entry.at) < MAX_AGE_MS &&
    performance.now() - entry.tick < MAX_AGE_MS

  /** They are large and change seldom: read again only when the environment says so. */
  async function templatesOf({ id, templatesVersion: version }: Environment): Promise<Template[]> {
    const known = templates.get(id)
    if (known?.version === version) return known.value
    const all = { limit: MAX_TEMPLATES, before: null, createdAfter: null, createdBefore: null }
    const value = await store.listTemplates(id, all)
    // What was read is of this version or a newer one; with a newer one it is read once more.
    templates.set(id, { version, value })
    return value
  }

  /** Compiled once for each change: a decision is made of what stands here. */
  async function rulesOf({ id, rulesVersion, listsVersion }: Environment): Promise<RuleSet> {
    const version = `${rulesVersion} ${listsVersion}`
    const known = rules.get(id)
    if (known?.version === version) return known.value
    const all = { limit: MAX_RULES, before: null, createdAfter: null, createdBefore: null }
    const [own, lists] = await Promise.all([store.listRules(id, all), store.readLists(id)])
    const value = await ruleSetOf(own, new Map(lists.map(({ name, entries }) => [name, entries])))
    rules.set(id, { version, value })
    return value
  }

  async function load(): Promise<Map<string, EnvironmentView>> {
    const loaded = new Map<string, EnvironmentView>()
    for (const environment of await store.listEnvironments()) {
      const [apps, signingKeys, own, ruleSet] = await Promise.all([
        store.listApps(environment.id),
        store.listSigningKeys(environment.id),
        templatesOf(environment),
        rulesOf(environment),
      ])
      const defaultApp = apps.find(app => app.isDefault)
      const active = signingKeys.find(key => key.activatesAt <= clock.now()) ?? signingKeys.at(-1)
      if (!defaultApp || !active) continue
      let signer = signers.get(active.id)
      if (!signer) {
        signer = importSigningKey(keyring, active)
        signers.set(active.id, signer)
        // A key that does not open is tried anew: its row may be resealed by then.
        signer.catch(() => signers.delete(active.id))
      }
      const settings = effectiveSettings(environment.settings, factorOf(environment))
      loaded.set(environment.id, {
        environment,
        settings,
        apps,
        defaultApp,
        signingKeys,
        templates: own,
        rules: ruleSet,
        signer: await signer,
      })
    }
    return loaded
  }

  function current(): Promise<Map<string, EnvironmentView>> {
    if (!isFresh(views)) {
      const read = readNow()
      const value = load()
      views = { ...read, value }
      // A failed read is not kept: the next call tries again.
      value.catch(() => {
        views = null
      })
    }
    return views?.value ?? load()
  }

  async function findKey(hash: string): Promise<ApiKey | null> {
    const known = keys.get(hash)
    if (known && isFresh(known)) return await known.value
    const read = readNow()
    const value = store.findApiKey(hash)
    if (keys.size >= MAX_KEYS) keys = new Map()
    keys.set(hash, { ...read, value })
    const drop = () => keys.delete(hash)
    value.then(key => key ?? drop(), drop)
    return await value
  }

  return {
    async byApiKeyHash(hash) {
      const key = await findKey(hash)
      const view = key && (await current()).get(key.environmentId)
      return key && view ? { key, view } : null
    },
    async byPublishableKey(key) {
      for (const view of (await current()).values()) {
        const app = view.apps.find(one => one.publishableKey === key)
        if (app) return { app, view }
      }
      return null
    },
    byId: async id => (await current()).get(id) ?? null,
    bySlug: async slug =>
      [...(await current()).values()].find(view => view.environment.slug === slug) ?? null,
    all: async () => [...(await current()).values()],
    forget() {
      views = null
      keys = new Map()
    },
  }
}
