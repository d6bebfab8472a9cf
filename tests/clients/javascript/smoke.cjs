// The AWS SDK for JavaScript (v3), configured by its environment alone; prints one JSON object.
const {
  S3Client, CreateBucketCommand, PutObjectCommand, GetObjectCommand, ListObjectsV2Command,
  DeleteObjectsCommand, HeadObjectCommand, waitUntilBucketExists,
} = require("@aws-sdk/client-s3");
const {
  SQSClient, CreateQueueCommand, SendMessageCommand, SendMessageBatchCommand,
  ReceiveMessageCommand, paginateListQueues,
} = require("@aws-sdk/client-sqs");
const { STSClient, GetCallerIdentityCommand, AssumeRoleCommand } = require("@aws-sdk/client-sts");

async function main() {
  const said = {};
  const sts = new STSClient({});
  said.arn = (await sts.send(new GetCallerIdentityCommand({}))).Arn;
  try {
    await sts.send(new AssumeRoleCommand({ RoleArn: "arn:aws:iam::111111111111:role/no", RoleSessionName: "session" }));
  } catch (error) {
    said.denied = [error.name, error.$metadata.httpStatusCode];
  }

  const s3 = new S3Client({ forcePathStyle: true });
  const Bucket = "from-javascript";
  await s3.send(new CreateBucketCommand({ Bucket }));
  await waitUntilBucketExists({ client: s3, maxWaitTime: 10 }, { Bucket });
  await s3.send(new PutObjectCommand({ Bucket, Key: "a b/ü", Body: "hello", Metadata: { m: "1" } }));
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: "a b/ü", ChecksumMode: "ENABLED" }));
  said.object = [await got.Body.transformToString(), got.Metadata.m, got.ChecksumCRC32 ?? null];
  said.keys = (await s3.send(new ListObjectsV2Command({ Bucket }))).Contents.map((one) => one.Key);
  const gone = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "a b/ü" }] } }));
  said.deleted = gone.Deleted.map((one) => one.Key);
  try {
    await s3.send(new HeadObjectCommand({ Bucket, Key: "a b/ü" }));
  } catch (error) {
    said.missing = [error.name, error.$metadata.httpStatusCode];
  }
  try {
    await s3.send(new GetObjectCommand({ Bucket, Key: "no" }));
  } catch (error) {
    said.noKey = error.name;
  }

  const sqs = new SQSClient({});
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "q" }));
  await sqs.send(new SendMessageCommand({
    QueueUrl, MessageBody: "hi", MessageAttributes: { n: { DataType: "Number", StringValue: "7" } },
  }));
  const batch = await sqs.send(new SendMessageBatchCommand({
    QueueUrl, Entries: [{ Id: "1", MessageBody: "x" }, { Id: "2", MessageBody: "y" }],
  }));
  said.sent = batch.Successful.length;
  const received = await sqs.send(new ReceiveMessageCommand({
    QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ["All"],
  }));
  said.bodies = received.Messages.map((one) => one.Body).sort();
  said.queues = [];
  for await (const page of paginateListQueues({ client: sqs }, { MaxResults: 1 })) {
    said.queues.push(...(page.QueueUrls ?? []));
  }
  try {
    await sqs.send(new SendMessageCommand({ QueueUrl: QueueUrl + "x", MessageBody: "hi" }));
  } catch (error) {
    said.noQueue = error.name;
  }
  console.log(JSON.stringify(said));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
