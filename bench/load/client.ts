import { createBetterAuthClient } from './better-auth.ts'
import type { Connection } from './connection.ts'
import { createOstiaryClient } from './ostiary.ts'

/** How the load generator speaks with one kind of server. Each call throws when it is not answered with what it asks for. */
export interface Client {
  /** Asks for a code; what to verify it with. */
  send(connection: Connection, address: string): Promise<string>
  verify(connection: Connection, sent: string): Promise<Session>
  /** Prolongs the session: a durable write. */
  refresh(connection: Connection, session: Session): Promise<Session>
  /** Asks the server whether the session lives. */
  check(connection: Connection, session: Session): Promise<void>
}

/** What the person's app holds. */
export interface Session {
  /** Proves the session in a check. */
  token: string
  /** Prolongs it. */
  refreshToken: string
}

export type Protocol = 'ostiary' | 'better-auth'

export function createClient(protocol: Protocol, secretKey: string): Client {
  return protocol === 'ostiary' ? createOstiaryClient(secretKey) : createBetterAuthClient()
}
