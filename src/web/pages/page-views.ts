/** A form of one button, or a link. */
export type Action =
  | { readonly kind: 'link'; readonly label: string; readonly href: string; readonly primary?: boolean }
  | {
      readonly kind: 'post'
      readonly label: string
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
  /** The address that the page loads by itself, at once. */
  readonly refresh: string | undefined
}

export interface MessageView extends LayoutView {
  readonly tone: 'neutral' | 'success' | 'warning' | 'error'
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
