import type { Words } from './catalogue.ts'

/** German, with the formal "Sie". */
export const de: Words = {
  'mail.subject.code': '{code} ist Ihr Code für {brand}',
  'mail.subject.signIn': 'Anmelden bei {brand}',
  'mail.subject.other': 'Bestätigen Sie, dass Sie es sind – {brand}',
  'mail.preheader.code': 'Ihr Code {code} ist {duration} gültig.',
  'mail.preheader.plain': 'Gültig für {duration}, bis {time}.',
  'mail.heading.signIn': 'Anmelden bei {brand}',
  'mail.heading.other': 'Bestätigen Sie, dass Sie es sind',
  'mail.code.lead': 'Geben Sie diesen Code auf der Seite ein, die ihn angefordert hat:',
  'mail.code.keep':
    'Geben Sie diesen Code an niemanden weiter, auch nicht an Personen, die sich als Mitarbeitende von {brand} ausgeben.',
  'mail.link.lead': 'Klicken Sie auf die Schaltfläche, um fortzufahren:',
  'mail.link.instead': 'Statt den Code einzugeben, können Sie auch auf die Schaltfläche klicken:',
  'mail.link.signIn': 'Anmelden',
  'mail.link.other': 'Bestätigen',
  'mail.link.open': 'Öffnen Sie diese Adresse, um fortzufahren:',
  'mail.link.openInstead': 'Statt den Code einzugeben, können Sie auch diese Adresse öffnen:',
  'mail.link.copy': 'Falls die Schaltfläche nicht funktioniert, öffnen Sie diese Adresse:',
  'mail.tag':
    'Auf der Seite, die diese E-Mail angefordert hat, stehen die Buchstaben {tag}. Sehen Sie dort andere, fahren Sie bitte nicht fort.',
  'mail.expires': 'Gültig für {duration}, bis {time}.',
  'mail.asked.title': 'Wer das angefordert hat',
  'mail.asked.time': 'Zeitpunkt',
  'mail.asked.device': 'Gerät',
  'mail.asked.ipAddress': 'IP-Adresse',
  'mail.asked.unknown': 'unbekannt',
  'mail.device.both': '{browser} auf {system}',
  'mail.ignore':
    'Waren Sie das nicht? Dann können Sie diese E-Mail ignorieren: Ohne sie kann sich niemand in Ihrem Namen ausweisen.',
  'mail.support': 'Brauchen Sie Hilfe? {url}',
}
