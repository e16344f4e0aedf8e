// What Recognize for Nextcloud does for faces where there is no native TensorFlow: Jimp reads JPEGs, face-api finds
// and describes their faces on TensorFlow.js' WASM backend: node upstream_faces.cjs < PATHS
//
// Prints JSON: the seconds of it all without the loading, on the clock and of CPU, of these the CPU seconds of the
// reading, and the scores of the faces of each picture.

const fs = require("fs");
const path = require("path");
const tf = require("@tensorflow/tfjs");
const wasm = require("@tensorflow/tfjs-backend-wasm");
const faceapi = require("@vladmandic/face-api/dist/face-api.node-wasm.js");
const Jimp = require("jimp");

const cpuSeconds = (since) => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
};

async function read(file) {
  const { width, height, data } = (await Jimp.read(file)).bitmap;
  const pixels = new Float32Array(width * height * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    pixels[to++] = data[from];
    pixels[to++] = data[from + 1];
    pixels[to++] = data[from + 2];
  }
  return tf.tensor3d(pixels, [height, width, 3], "float32");
}

async function main() {
  wasm.setWasmPaths(path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm")) + "/");
  await tf.setBackend("wasm");
  await tf.ready();
  const weights = path.join(path.dirname(require.resolve("@vladmandic/face-api/package.json")), "model");
  for (const net of ["ssdMobilenetv1", "faceLandmark68Net", "faceRecognitionNet"]) {
    await faceapi.nets[net].loadFromDisk(weights);
  }
  const files = fs.readFileSync(0, "utf8").split("\n").filter(Boolean);
  const scores = [];
  let reading = 0;
  const clock = performance.now();
  const cpu = process.cpuUsage();
  for (const file of files) {
    const before = process.cpuUsage();
    const image = await read(file);
    reading += cpuSeconds(before);
    const found = await faceapi.detectAllFaces(image).withFaceLandmarks().withFaceDescriptors();
    image.dispose();
    scores.push(found.map(({ detection }) => detection.score));
  }
  const spent = { seconds: (performance.now() - clock) / 1000, cpu_seconds: cpuSeconds(cpu), reading_cpu_seconds: reading };
  console.log(JSON.stringify({ backend: tf.getBackend(), ...spent, scores }));
}

main().catch((error) => { console.error(error); process.exit(1); });
