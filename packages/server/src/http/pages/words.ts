/** The languages of the hosted pages. */
export type Lang = 'en' | 'de'

/** Why a link cannot be pressed any more, or a press was not taken. */
export type LinkEnd =
  | 'used'
  | 'expired'
  | 'exhausted'
  | 'unknown'
  | 'misdirected'
  | 'refused'
  | 'unavailable'
  | 'elsewhere'
  | 'proven'
  | 'numberWrong'
  | 'denied'

/** The words of the hosted pages. They are plain text: pages escape them. */
export interface Words {
  signInTo(brand: string): string
  confirmFor(brand: string): string
  signIn: string
  confirm: string
  as: string
  askedFor: string
  when: string
  where: string
  ipAddress: string
  unknown: string
  browserOn(browser: string, system: string): string
  unknownBrowser: string
  tag: string
  tagHint: string
  worksFor(minutes: string): string
  worksBriefly: string
  notYou: string
  /** The button where another browser began, and what its press asks for. */
  approve: string
  typeNumber: { title: string; text: string; label: string; button: string }
  support: string
  endedAt: { used: string; expired: string }
  ends: Record<LinkEnd, { title: string; text: string; next(brand: string): string }>
}

/** One table, so that a missing word is a type error. */
export const WORDS: Record<Lang, Words> = {
  en: {
    signInTo: brand => `Sign in to ${brand}`,
    confirmFor: brand => `Confirm for ${brand}`,
    signIn: 'Sign in',
    confirm: 'Confirm',
    as: 'as',
    askedFor: 'For',
    when: 'Asked for',
    where: 'From',
    ipAddress: 'IP address',
    unknown: 'not known',
    browserOn: (browser, system) => `${browser} on ${system}`,
    unknownBrowser: 'a browser we do not know',
    tag: 'Letters',
    tagHint: 'The page where you began shows the same letters.',
    worksFor: minutes => `This link works for another ${minutes}.`,
    worksBriefly: 'This link works for less than a minute.',
    notYou: 'You did not ask for this? Close this page, nothing happens.',
    approve: 'Yes, that is me',
    typeNumber: {
      title: 'Type the number from the other screen',
      text: 'The page where you began shows a number of two digits now. Type it here only if you see it in front of you; never one that somebody tells you.',
      label: 'Number',
      button: 'Sign the other page in',
    },
    support: 'Help',
    endedAt: { used: 'Used', expired: 'Expired' },
    ends: {
      used: {
        title: 'This link was used already',
        text: 'Each link works once. If that was you, everything is fine and you can close this page.',
        next: brand => `To sign in again, go back to ${brand} and ask for a new link.`,
      },
      expired: {
        title: 'This link has expired',
        text: 'Links work for a short time only, so that an old mail is of no use to anybody else.',
        next: brand => `Go back to ${brand} and ask for a new one. It takes a few seconds.`,
      },
      exhausted: {
        title: 'This link was stopped',
        text: 'There were too many wrong answers, so the link and its code no longer work. Your account is not locked.',
        next: brand => `Go back to ${brand} and ask for a new one.`,
      },
      unknown: {
        title: 'This link does not work',
        text: 'It may be damaged: some mail programs cut long links in two. Or it is too old to be known here.',
        next: brand =>
          `Copy the whole link from the mail, type the code from the mail instead, or ask ${brand} for a new one.`,
      },
      misdirected: {
        title: 'This link has nowhere to lead',
        text: 'The page that it should bring you to is no longer on the list of the app. Nothing happened.',
        next: brand => `Type the code from the mail instead, or go back to ${brand} and ask for a new one.`,
      },
      refused: {
        title: 'That press did not come from this page',
        text: 'To protect you, only a press on the page itself counts. Nothing happened and the link still works.',
        next: () => 'Open the link from your mail once more and press the button there.',
      },
      unavailable: {
        title: 'We cannot answer right now',
        text: 'Something on our side is not working. Your link is not lost.',
        next: () => 'Wait a moment, then open the link from your mail once more.',
      },
      elsewhere: {
        title: 'Go back to where you began',
        text: 'This link works in the browser that asked for it. Nothing happened here, and the link still works there.',
        next: () => 'Open the link in that browser: copy its address from the mail, or ask for a code there.',
      },
      proven: {
        title: 'Done',
        text: 'The page where you began goes on by itself now.',
        next: () => 'You can close this page.',
      },
      numberWrong: {
        title: 'That was not the number',
        text: 'Nothing happened, and the link still works. Each try has a number of its own.',
        next: () =>
          'Open the link from your mail once more, and type the number that the first page shows then.',
      },
      denied: {
        title: 'You cannot sign in here',
        text: 'Your address was proven, but this account may not sign in.',
        next: brand => `Ask ${brand} for help.`,
      },
    },
  },
  de: {
    signInTo: brand => `Bei ${brand} anmelden`,
    confirmFor: brand => `Für ${brand} bestätigen`,
    signIn: 'Anmelden',
    confirm: 'Bestätigen',
    as: 'als',
    askedFor: 'Wofür',
    when: 'Angefordert',
    where: 'Mit',
    ipAddress: 'IP-Adresse',
    unknown: 'nicht bekannt',
    browserOn: (browser, system) => `${browser} auf ${system}`,
    unknownBrowser: 'einem unbekannten Browser',
    tag: 'Buchstaben',
    tagHint: 'Die Seite, auf der Sie begonnen haben, zeigt dieselben.',
    worksFor: minutes => `Dieser Link gilt noch ${minutes}.`,
    worksBriefly: 'Dieser Link gilt weniger als eine Minute.',
    notYou: 'Sie haben das nicht angefordert? Schließen Sie diese Seite, dann geschieht nichts.',
    approve: 'Ja, das bin ich',
    typeNumber: {
      title: 'Geben Sie die Zahl vom anderen Bildschirm ein',
      text: 'Die Seite, auf der Sie begonnen haben, zeigt jetzt eine Zahl mit zwei Ziffern. Geben Sie sie nur ein, wenn Sie sie selbst vor sich sehen; nie eine, die Ihnen jemand nennt.',
      label: 'Zahl',
      button: 'Auf der anderen Seite anmelden',
    },
    support: 'Hilfe',
    endedAt: { used: 'Benutzt', expired: 'Abgelaufen' },
    ends: {
      used: {
        title: 'Dieser Link wurde schon benutzt',
        text: 'Jeder Link gilt einmal. Waren Sie es selbst, ist alles in Ordnung und Sie können diese Seite schließen.',
        next: brand => `Um sich erneut anzumelden, fordern Sie bei ${brand} einen neuen Link an.`,
      },
      expired: {
        title: 'Dieser Link ist abgelaufen',
        text: 'Links gelten nur kurz, damit eine alte Mail niemandem sonst etwas nützt.',
        next: brand => `Fordern Sie bei ${brand} einen neuen an. Das dauert nur Sekunden.`,
      },
      exhausted: {
        title: 'Dieser Link wurde gestoppt',
        text: 'Es gab zu viele falsche Eingaben, darum gelten Link und Code nicht mehr. Ihr Konto ist nicht gesperrt.',
        next: brand => `Fordern Sie bei ${brand} einen neuen an.`,
      },
      unknown: {
        title: 'Dieser Link funktioniert nicht',
        text: 'Vielleicht ist er beschädigt: Manche Mailprogramme zerteilen lange Links. Oder er ist zu alt.',
        next: brand =>
          `Kopieren Sie den ganzen Link aus der Mail, geben Sie den Code aus der Mail ein oder fordern Sie bei ${brand} einen neuen an.`,
      },
      misdirected: {
        title: 'Dieser Link führt nirgendwohin',
        text: 'Die Seite, zu der er Sie bringen soll, steht nicht mehr auf der Liste der App. Es ist nichts geschehen.',
        next: brand => `Geben Sie den Code aus der Mail ein oder fordern Sie bei ${brand} einen neuen an.`,
      },
      refused: {
        title: 'Dieser Klick kam nicht von dieser Seite',
        text: 'Zu Ihrem Schutz zählt nur ein Klick auf der Seite selbst. Es ist nichts geschehen, der Link gilt weiter.',
        next: () => 'Öffnen Sie den Link aus Ihrer Mail noch einmal und klicken Sie dort.',
      },
      unavailable: {
        title: 'Wir können gerade nicht antworten',
        text: 'Bei uns ist etwas gestört. Ihr Link ist nicht verloren.',
        next: () => 'Warten Sie kurz und öffnen Sie den Link aus Ihrer Mail noch einmal.',
      },
      elsewhere: {
        title: 'Gehen Sie dorthin zurück, wo Sie begonnen haben',
        text: 'Dieser Link gilt in dem Browser, der ihn angefordert hat. Hier ist nichts geschehen, dort gilt er weiter.',
        next: () =>
          'Öffnen Sie den Link in jenem Browser: Kopieren Sie seine Adresse aus der Mail, oder fordern Sie dort einen Code an.',
      },
      proven: {
        title: 'Fertig',
        text: 'Die Seite, auf der Sie begonnen haben, geht jetzt von selbst weiter.',
        next: () => 'Sie können diese Seite schließen.',
      },
      numberWrong: {
        title: 'Das war nicht die Zahl',
        text: 'Es ist nichts geschehen, der Link gilt weiter. Jeder Versuch hat eine eigene Zahl.',
        next: () =>
          'Öffnen Sie den Link aus Ihrer Mail noch einmal und geben Sie die Zahl ein, die die erste Seite dann zeigt.',
      },
      denied: {
        title: 'Sie können sich hier nicht anmelden',
        text: 'Ihre Adresse ist bestätigt, aber dieses Konto darf sich nicht anmelden.',
        next: brand => `Bitten Sie ${brand} um Hilfe.`,
      },
    },
  },
}
