import { applyDecorators } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsBase64, IsObject, IsOptional, IsString, Length, MaxLength, ValidateNested } from 'class-validator';
import type { HeldProof, SignedProof } from '../workflows/proving.js';
import { certificateHashOf } from '../workflows/proving.js';

/** Characters of base64: a certificate of 6 KB, a signature of an RSA key of 4096 bits. */
const certificateMax = 8_192;
const signatureMax = 700;

/** `proof` of a write (API.md): the card's signature over a challenge that was asked for this purpose and operation. */
export class ProofBody {
  @IsString()
  @MaxLength(100)
  challengeId: string;

  /** Over the 32 bytes of the nonce, base64. */
  @IsString()
  @Length(1, signatureMax)
  @IsBase64()
  signature: string;
}

/** The member `proof` of a body. Absent is no mistake of form: whether the write needs one is said by `identity.fresh_proof_required`. */
export const IsProof = () =>
  applyDecorators(
    IsOptional(),
    IsObject(),
    ValidateNested(),
    Type(() => ProofBody),
  );

/** A card that lies in the terminal, read without its PIN. */
export class HeldBody {
  @IsString()
  @MaxLength(100)
  challengeId: string;

  /** Of user authentication, DER, base64. */
  @IsString()
  @Length(1, certificateMax)
  @IsBase64()
  certificate: string;
}

export function signedProof(body: ProofBody | undefined | null): SignedProof | undefined {
  return body ? { challengeId: body.challengeId, signature: Buffer.from(body.signature, 'base64') } : undefined;
}

export function heldProof({ challengeId, certificate }: HeldBody): HeldProof {
  return { challengeId, certificateHash: certificateHashOf(Buffer.from(certificate, 'base64')) };
}
