/**
 * An event that no log will ever take: a field of the wrong type, or one that lines don't have. A class of its own, since a sink of another
 * author may throw a TypeError for an outage, as `fetch` does.
 */
export class MalformedEvent extends TypeError {
  override readonly name = 'MalformedEvent'
}
