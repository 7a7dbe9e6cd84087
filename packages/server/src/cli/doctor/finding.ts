/** What one check found. `fix` says what to do about a warning or a failure. */
export interface Finding {
  check: string
  status: 'ok' | 'warn' | 'fail'
  message: string
  fix: string | null
}

export const ok = (check: string, message: string): Finding => ({ check, status: 'ok', message, fix: null })
export const warn = (check: string, message: string, fix: string): Finding => ({
  check,
  status: 'warn',
  message,
  fix,
})
export const fail = (check: string, message: string, fix: string): Finding => ({
  check,
  status: 'fail',
  message,
  fix,
})
