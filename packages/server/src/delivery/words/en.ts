/**
 * English words, and by their keys the list of all words. Placeholders stand in braces; each text is a whole sentence
 * or label, so that no language has to be put together from pieces. The operator's `texts` setting overrides by key.
 */
export const en = {
  'mail.subject.code': '{code} is your {brand} code',
  'mail.subject.signIn': 'Sign in to {brand}',
  'mail.subject.other': 'Confirm that it is you at {brand}',
  'mail.preheader.code': 'Your code {code} is valid for {duration}.',
  'mail.preheader.plain': 'Valid for {duration}, until {time}.',
  'mail.heading.signIn': 'Sign in to {brand}',
  'mail.heading.other': 'Confirm that it is you',
  'mail.code.lead': 'Enter this code on the page that asked for it:',
  'mail.code.keep': 'Give this code to nobody, not even to someone who says they work for {brand}.',
  'mail.link.lead': 'Press the button to go on:',
  'mail.link.instead': 'Or press the button instead of entering the code:',
  'mail.link.signIn': 'Sign in',
  'mail.link.other': 'Confirm',
  'mail.link.open': 'To go on, open this address:',
  'mail.link.openInstead': 'Or open this address instead of entering the code:',
  'mail.link.copy': 'If the button does not work, open this address:',
  'mail.tag':
    'The page that asked for this mail shows the letters {tag}. If yours shows others, do not go on.',
  'mail.expires': 'Valid for {duration}, until {time}.',
  'mail.asked.title': 'Who asked for this',
  'mail.asked.time': 'Time',
  'mail.asked.device': 'Device',
  'mail.asked.ipAddress': 'IP address',
  'mail.asked.unknown': 'unknown',
  'mail.device.both': '{browser} on {system}',
  'mail.ignore': 'Was it not you? Then ignore this mail: without it, nobody gets in.',
  'mail.support': 'Do you need help? {url}',
} as const
