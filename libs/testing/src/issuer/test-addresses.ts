/** Address texts for the residence codes (JIS X 0401/0402) that test cards are asked for. */
const prefectures = [
  ...[
    '北海道',
    '青森県',
    '岩手県',
    '宮城県',
    '秋田県',
    '山形県',
    '福島県',
    '茨城県',
    '栃木県',
    '群馬県',
    '埼玉県',
    '千葉県',
  ],
  ...[
    '東京都',
    '神奈川県',
    '新潟県',
    '富山県',
    '石川県',
    '福井県',
    '山梨県',
    '長野県',
    '岐阜県',
    '静岡県',
    '愛知県',
    '三重県',
  ],
  ...[
    '滋賀県',
    '京都府',
    '大阪府',
    '兵庫県',
    '奈良県',
    '和歌山県',
    '鳥取県',
    '島根県',
    '岡山県',
    '広島県',
    '山口県',
    '徳島県',
  ],
  ...['香川県', '愛媛県', '高知県', '福岡県', '佐賀県', '長崎県', '熊本県', '大分県', '宮崎県', '鹿児島県', '沖縄県'],
];

const tokyoWards = [
  ...[
    '千代田区',
    '中央区',
    '港区',
    '新宿区',
    '文京区',
    '台東区',
    '墨田区',
    '江東区',
    '品川区',
    '目黒区',
    '大田区',
    '世田谷区',
  ],
  ...['渋谷区', '中野区', '杉並区', '豊島区', '北区', '荒川区', '板橋区', '練馬区', '足立区', '葛飾区', '江戸川区'],
];

const municipalities: ReadonlyMap<string, string> = new Map([
  ...tokyoWards.map((name, index) => [`131${String(index + 1).padStart(2, '0')}`, name] as const),
  ['13201', '八王子市'],
  ['02201', '青森市'],
  ['20201', '長野市'],
  ['47201', '那覇市'],
]);

/** An address within a municipality code of five digits; a prefecture's made-up town where the code is not in the list. */
export function testAddress(residence: string, house: number): string {
  const prefecture = prefectures[Number(residence.slice(0, 2)) - 1];
  if (!/^\d{5}$/.test(residence) || prefecture === undefined) {
    throw new RangeError(`residence "${residence}" is not a municipality code such as 13101`);
  }
  return `${prefecture}${municipalities.get(residence) ?? '試験町'}見本町${house}丁目`;
}
