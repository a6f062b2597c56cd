import Type from 'typebox';

/** Shapes that published events share. Objects are closed: what is not named is refused. */
export const Id = Type.String({ format: 'uuid' });
export const Time = Type.String({ format: 'date-time', description: 'ISO 8601 UTC' });
export const Name = Type.String({ minLength: 1, maxLength: 100 });
export const PointCount = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const closed = { additionalProperties: false } as const;

/** A part of a hold: what one lot gives to an exchange, and who pays for it. */
export const HeldLot = Type.Object({ lotId: Id, fundId: Id, ownerId: Name, points: PointCount }, closed);
