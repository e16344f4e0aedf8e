// Runs @vladmandic/face-api on the CPU over raw pixels: node face_api.cjs FOLDER MIN_SCORE
//
// FOLDER/pictures.json lists {width, height} of pictures whose RGB bytes are in FOLDER/0.rgb, FOLDER/1.rgb, ...
// Writes what is found in each, and the milliseconds of CPU time it took, to FOLDER/results.json.

const fs = require("fs");
const path = require("path");
const tf = require("@tensorflow/tfjs");
const wasm = require("@tensorflow/tfjs-backend-wasm");
const faceapi = require("@vladmandic/face-api/dist/face-api.node-wasm.js");

async function main([folder, minConfidence]) {
  wasm.setWasmPaths(path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm")) + "/");
  wasm.setThreadsCount(1);
  await tf.setBackend("wasm");
  await tf.ready();
  const weights = path.join(path.dirname(require.resolve("@vladmandic/face-api/package.json")), "model");
  for (const net of ["ssdMobilenetv1", "faceLandmark68Net", "faceRecognitionNet"]) {
    await faceapi.nets[net].loadFromDisk(weights);
  }
  const options = new faceapi.SsdMobilenetv1Options({ minConfidence: Number(minConfidence) });
  const results = [];
  const pictures = JSON.parse(fs.readFileSync(path.join(folder, "pictures.json")));
  for (const [number, { width, height }] of pictures.entries()) {
    const bytes = new Uint8Array(fs.readFileSync(path.join(folder, `${number}.rgb`)));
    const before = process.cpuUsage();
    const image = tf.tensor3d(bytes, [height, width, 3], "int32");
    const found = await faceapi.detectAllFaces(image, options).withFaceLandmarks().withFaceDescriptors();
    image.dispose();
    const { user, system } = process.cpuUsage(before);
    const faces = found.map(({ detection, landmarks, descriptor }) => ({
      score: detection.score,
      box: [detection.box.left, detection.box.top, detection.box.right, detection.box.bottom],
      landmarks: landmarks.positions.map(({ x, y }) => [x, y]),
      descriptor: Array.from(descriptor),
    }));
    results.push({ faces, cpuMilliseconds: (user + system) / 1000 });
  }
  fs.writeFileSync(path.join(folder, "results.json"), JSON.stringify({ backend: tf.getBackend(), results }));
}

main(process.argv.slice(2)).catch((error) => { console.error(error); process.exit(1); });
