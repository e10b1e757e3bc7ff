/** A form of one button, or a link. */
export type Action =
  | {
      readonly kind: 'link'
      readonly label: string
      /** What it is about, for people who hear one button without those around it. */
      readonly about?: string
      readonly href: string
      readonly primary?: boolean
    }
  | {
      readonly kind: 'post'
      readonly label: string
      readonly about?: string
      readonly href: string
      readonly fields: readonly (readonly [string, string])[]
      readonly primary?: boolean
    }

/** The signed-in user, as shown on every page that knows one. */
export interface SignedInView {
  readonly name: string
  /** Subject and identity provider. A display name cannot imitate them. */
  readonly account: string
  readonly signOut: Action & { readonly kind: 'post' }
}

export type Tone = 'neutral' | 'success' | 'warning' | 'error'

/** The values that `layout.ejs` needs for every page. */
export interface LayoutView {
  readonly title: string
  readonly serverName: string
  readonly style: string
  readonly scripts: readonly string[]
  readonly icon: string
  /** A warning on every page of a mode without a login. */
  readonly banner: string | undefined
  readonly signedIn: SignedInView | undefined
  /** Address of the user's own page, for the foot of every other page of a signed-in user. */
  readonly accountHref: string | undefined
  /** The address that the page loads by itself, at once. */
  readonly refresh: string | undefined
}

export interface MessageView extends LayoutView {
  readonly tone: Tone
  readonly heading: string
  readonly paragraphs: readonly string[]
  /** A highlighted sentence. */
  readonly caution: string | undefined
  readonly facts: readonly Fact[]
  readonly actions: readonly Action[]
  /** The reference to report to the operator. */
  readonly reference: string | undefined
}

export interface Fact {
  readonly name: string
  readonly value: string
  /** Smaller text behind or below the value. */
  readonly note?: string | undefined
  /** RFC 3339, if the value is a time: browsers show it in their own zone. */
  readonly time?: string | undefined
}

export interface FormView extends LayoutView {
  readonly service: string
  readonly lead: string
  readonly action: string
  readonly csrfField: string
  readonly csrf: string
  readonly cancel: string
  readonly facts: readonly Fact[]
  readonly fields: readonly FieldView[]
  /** HTML that {@link renderGuide} made. */
  readonly guide: string | undefined
  readonly guideOpen: boolean
  readonly problems: readonly { readonly text: string; readonly href: string | undefined }[]
  readonly problemHeading: string
  /** Name of the button that saves without a check at the service, if the page offers it. */
  readonly saveUnverified: string | undefined
  /** Shown when typed secrets have to be typed again. */
  readonly clearedNote: string | undefined
}

export interface FieldView {
  readonly id: string
  readonly name: string
  readonly label: string
  readonly optional: boolean
  readonly hint: string | undefined
  readonly error: string | undefined
  /** Ids of hint and error. */
  readonly describedBy: string | undefined
  readonly control: 'input' | 'textarea'
  readonly type: 'text' | 'url' | 'password' | 'date'
  readonly value: string
  readonly masked: boolean
}

/** The user's own page. */
export interface AccountView extends LayoutView {
  readonly notice: NoticeView | undefined
  readonly credentials: readonly CredentialView[]
  readonly session: SessionView
}

/** The result of what the user did last. */
export interface NoticeView {
  readonly tone: Tone
  readonly heading: string
  readonly paragraphs: readonly string[]
  readonly reference?: string | undefined
}

/** One service, and the state of the user's credential for it. */
export interface CredentialView {
  /** The provider's name. */
  readonly name: string
  readonly service: string
  readonly tone: Tone
  readonly state: string
  readonly explanation: string | undefined
  readonly facts: readonly Fact[]
  readonly actions: readonly Action[]
}

export interface SessionView {
  readonly facts: readonly Fact[]
  readonly actions: readonly Action[]
}
