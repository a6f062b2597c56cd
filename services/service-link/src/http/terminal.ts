import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { Caller } from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import { IsBase64, IsObject, IsOptional, IsString, Length, MaxLength, ValidateNested } from 'class-validator';

/** API.md `proof`: the card's signature over a challenge for this very act; identity looks closer. */
class ProofBody {
  @ApiProperty({ type: String, maxLength: 100 })
  @IsString()
  @MaxLength(100)
  challengeId: string;

  @ApiProperty({ type: String, maxLength: 700, description: "Over the nonce's 32 bytes, base64" })
  @IsString()
  @Length(1, 700)
  @IsBase64()
  signature: string;
}

export class WithProof {
  @ApiPropertyOptional({ type: ProofBody, description: 'At a counter or kiosk, and where the programme asks for it' })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => ProofBody)
  proof?: ProofBody | null;
}

/** A token of a counter or kiosk session names its terminal; others have none. */
export function terminalOf({ terminalId }: Caller): string | null {
  return terminalId ?? null;
}
